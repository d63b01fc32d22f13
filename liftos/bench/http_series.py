"""Series of requests, each measured several times in turn with the others: a busy machine then slows all of them alike."""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from tqdm import tqdm

from liftos.bench import http_client
from liftos.bench.http_client import Spec
from liftos.bench.http_server import HOST
from liftos.bench.types import BenchFailed

ROUNDS = 3
# of one series in one round: whichever comes first ends it
PASSES = 20  # over the requests
SECONDS = 6.0


class BadAnswer(BenchFailed):
    """A request was not answered with success: the figures would mean nothing."""


@dataclass(slots=True)
class Series:
    """One way to ask, and what came of it, round by round.

    Attributes:
        port: of whom it asks.
        requests: as `http_client.request_bytes` makes them, sent in turn.
        in_flight: how many at once.
    """

    port: int
    requests: list[str]
    in_flight: int
    rounds: list[dict[str, Any]] = field(default_factory=list)

    def percentile_ms(self, percent: float) -> float:
        """Return the time that this share of a round's requests stayed below, the median of the rounds."""
        return median(float(np.percentile(each["times_ms"], percent)) for each in self.rounds)

    @property
    def rate(self) -> float:
        """Answers a second, the median of the rounds."""
        return median(len(each["times_ms"]) / each["elapsed_s"] for each in self.rounds)


def measure(series: Iterable[Series], label: str) -> None:
    """Measure all series ROUNDS times, taking turns."""
    every = list(series)
    for turn in tqdm(
        [each for _ in range(ROUNDS) for each in every], desc=label, unit="series", disable=None
    ):
        turn.rounds.append(
            ask(turn.port, turn.requests, turn.in_flight, count=PASSES * len(turn.requests), seconds=SECONDS)
        )


def ask(
    port: int, requests: list[str], in_flight: int, *, count: int, seconds: float, keep: bool = False
) -> dict[str, Any]:
    """Send requests from a process of its own; return `http_client.Load` as a dictionary.

    Raises:
        BadAnswer: one of them was answered with anything but success.
    """
    spec = Spec(HOST, port, requests, in_flight, count, seconds, keep)
    done = subprocess.run(
        # -P: beside the program lies a module that has the name of one of the standard library's
        [sys.executable, "-P", str(Path(http_client.__file__))],
        input=json.dumps(asdict(spec)),
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 2 * http_client.REPLY_SECONDS,
    )
    if done.returncode:
        raise BadAnswer(f"the load generator failed: {(done.stderr.splitlines() or ['?'])[-1]}")
    load: dict[str, Any] = json.loads(done.stdout)
    if load["failure"]:
        raise BadAnswer(f"answers by status {load['statuses']}; the first failure: {load['failure']}")
    return load
