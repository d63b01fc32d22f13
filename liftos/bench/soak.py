"""`bench soak`: long mixed load, to find growth, leaks, slowdown and failures.

The service is `manage.py up`. A separate process keeps 16 requests in flight: searches of each type, batches, prompts, stores (new ones,
and repeats by external id), lists, decisions, insights, metrics, health. The time is divided into twelve equal parts;
the first two are warm-up.
"""

import json
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from statistics import median

import numpy as np
from tqdm import tqdm

from liftos.bench.database import as_owner
from liftos.bench.http.client import request_bytes
from liftos.bench.http.series import ask
from liftos.bench.http.service import HOST, Service, service
from liftos.bench.search.data import World
from liftos.bench.search.loading import Loaded, load
from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.embedding import MiniLmEmbedder
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM

MOST, ORGANISATIONS = 20_000, 20
IN_FLIGHT = 16
PARTS, WARM = 12, 2
QUESTIONS = 60


def run(options: Options) -> Generator[Figure]:
    """Yield requests and errors, memory, connections, and p99 at both ends."""
    world = World(options.seed)
    plans = world.plans(min(options.memories, MOST), min(options.organisations, ORGANISATIONS))
    with service() as ours:
        made = load(world, plans, model_number(MiniLmEmbedder().model)).organisations
        requests = [
            each for organisation in made[:: max(1, len(made) // 4)] for each in _requests(organisation)
        ]
        yield from _soak(ours, _mixed(requests, options.seed), options.minutes * 60 / PARTS)


def _soak(ours: Service, requests: Sequence[str], seconds: float) -> Iterator[Figure]:
    slow: list[float] = []
    memory: list[float] = []
    counts: Counter[str] = Counter()
    open_connections: list[int] = []
    for _ in tqdm(range(PARTS), unit="part", desc="soak", disable=None):
        part = ask(ours.port, list(requests), IN_FLIGHT, count=10_000_000, seconds=seconds)
        slow.append(float(np.percentile(part["times_ms"], 99)))
        counts.update(part["statuses"])
        memory.append(_memory_mb(ours.home))
        open_connections.append(_connections())
    answered = sum(counts.values())
    failed = sum(count for status, count in counts.items() if not status.startswith("2"))
    minutes = f"{PARTS * seconds / 60:g} minutes, {IN_FLIGHT} in flight"
    yield Figure(f"requests, {minutes}", answered, "answers")
    yield Figure(f"not answered with success, {minutes}", failed, "answers", target=Target("<=", 0))
    warm, end = memory[WARM - 1], median(memory[-2:])
    yield Figure(
        "memory of web and worker at the end (proportional set size)", end, "MB", "after warm-up", warm
    )
    yield Figure("growth of memory after warm-up", (end / warm - 1) * 100, "%", target=Target("<=", 2))
    # caches keep filling after the warm-up; leaks keep growing
    yield Figure("growth of memory in the second half", (end / memory[PARTS // 2 - 1] - 1) * 100, "%")
    yield Figure(
        "connections to Postgres at the end", open_connections[-1], "connections", "after warm-up",
        open_connections[WARM - 1],
    )  # fmt: skip
    yield Figure("p99 of the last part", slow[-1], "ms", "of the first after warm-up", slow[WARM])
    yield Figure("p99, last part over first", slow[-1] / slow[WARM], "x", target=Target("<=", 1.2))


def _requests(organisation: Loaded) -> Iterator[str]:
    """Return one organisation's requests, repeated by their weight."""
    _, key = create_api_key(organisation=organisation.id, by=SYSTEM, name="soak")
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def get(path: str) -> str:
        return request_bytes("GET", path, host=HOST, headers=headers)

    def post(path: str, body: object) -> str:
        return request_bytes("POST", path, host=HOST, headers=headers, body=json.dumps(body).encode())

    contents = organisation.material.contents
    for place in range(QUESTIONS):
        text = " ".join(contents[(7 * place) % len(contents)].split()[:6])
        kind = ("hybrid", "neural", "knowledge", "hybrid")[place % 4]
        yield post("/api/v1/search", {"query": text, "search_type": kind, "limit": 10})
        if place % 3 == 0:
            yield post("/store", {"content": f"soaked {text}"})
        if place % 6 == 0:
            yield post("/api/v1/memories", {"content": text, "source": "soak", "external_id": str(place)})
            yield post(
                "/api/v1/search",
                {"query": text, "limit": 5, "format": "prompt", "token_budget": 500},
            )
        if place % 15 == 0:
            yield post("/api/v1/search/batch", {"queries": [text, f"{text} again"], "limit": 5})
            yield get("/api/v1/memories?limit=20")
            yield get("/api/v1/decisions?limit=20")
            yield get("/performance/metrics")
            yield get("/health")
        if place % 60 == 0:
            yield get("/insights")


def _mixed(requests: Sequence[str], seed: int) -> list[str]:
    order = np.random.default_rng(seed).permutation(len(requests))
    return [requests[place] for place in order]


def _memory_mb(home: Path) -> float:
    """Return the service's memory in MB (proportional set size)."""
    wanted = f"LIFTOS_HOME={home}".encode()
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if wanted not in (process / "environ").read_bytes().split(b"\0"):
                continue
            rollup = (process / "smaps_rollup").read_text()
        except OSError:
            continue  # the process has ended
        total += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def _connections() -> int:
    return as_owner("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")


BENCH = Bench("soak", "long mixed load: errors, memory growth, connections, latency", run)
