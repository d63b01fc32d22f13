"""Series of requests, measured alternately in rounds, so that a busy machine slows all of them alike."""

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

from liftos.bench.http import client
from liftos.bench.http.client import Spec
from liftos.bench.http.service import HOST
from liftos.bench.types import BenchFailed

ROUNDS = 3
# limits of one series in one round; the first reached ends it
PASSES = 20  # over the requests
SECONDS = 6.0


class BadAnswer(BenchFailed):
    """A request failed, so the figures would be meaningless."""


@dataclass(slots=True)
class Series:
    """A kind of request and its results per round.

    Attributes:
        port: the server's.
        requests: from `client.request_bytes`, sent cyclically.
        in_flight: concurrent requests.
    """

    port: int
    requests: list[str]
    in_flight: int
    rounds: list[dict[str, Any]] = field(default_factory=list)

    def percentile_ms(self, percent: float) -> float:
        """Return this quantile of a round's times, median over the rounds."""
        return median(float(np.percentile(each["times_ms"], percent)) for each in self.rounds)

    @property
    def rate(self) -> float:
        """Answers per second, median over the rounds."""
        return median(len(each["times_ms"]) / each["elapsed_s"] for each in self.rounds)


def measure(series: Iterable[Series], label: str) -> None:
    """Measure all series alternately, ROUNDS times."""
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
    """Send requests from a separate process; return its `client.Load` as a dictionary.

    Raises:
        BadAnswer: a request failed.
    """
    spec = Spec(HOST, port, requests, in_flight, count, seconds, keep)
    done = subprocess.run(
        # -P: a module beside the program has the name of a standard library module
        [sys.executable, "-P", str(Path(client.__file__))],
        input=json.dumps(asdict(spec)),
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds + 2 * client.REPLY_SECONDS,
    )
    if done.returncode:
        raise BadAnswer(f"the load generator failed: {(done.stderr.splitlines() or ['?'])[-1]}")
    load: dict[str, Any] = json.loads(done.stdout)
    if load["failure"]:
        raise BadAnswer(f"answers by status {load['statuses']}; the first failure: {load['failure']}")
    return load
