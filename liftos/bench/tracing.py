"""`bench tracing`: the cost of a span, and of tracing a real request."""

import json
from collections.abc import Callable, Generator, Iterator
from contextvars import Context
from statistics import median, quantiles
from time import perf_counter, perf_counter_ns

from django.test import Client
from tqdm import tqdm

from liftos.bench.types import Bench, Figure, Options, Target
from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.telemetry.storage.writer import TraceWriter
from liftos.kernel.telemetry.tracing.spans import Span
from liftos.kernel.telemetry.tracing.tracer import TRACER, LightweightTracer
from liftos.kernel.tenancy.operations import create_api_key, create_organisation
from liftos.kernel.tenancy.types import SYSTEM

SPANS, ROUNDS = 20_000, 15
MEMORIES = 200
REQUESTS_PER_QUERY = 10
BLOCK = 50


def run(options: Options) -> Generator[Figure]:
    """Yield the cost of spans, then of tracing a search through the whole HTTP stack in this process."""
    yield from _spans()
    with scratch_database("bench"):
        yield from measure_requests(options)


def _spans() -> Iterator[Figure]:
    tracer, unsampled = LightweightTracer("bench"), LightweightTracer("bench", sampling_rate=0.0)
    sunk = LightweightTracer("bench")
    sunk.sink = _discard
    reference = _opentelemetry()
    ways: dict[str, Callable[[], None]] = {
        "child": lambda: _children(tracer),
        "unsampled": lambda: _children(unsampled),
        "root": lambda: _roots(sunk),
        "loop": _loop,
    }
    if reference is not None:
        ways["opentelemetry"] = reference
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):  # alternately, so that a busy moment affects all alike
        for name, way in ways.items():
            start = perf_counter_ns()
            # outside the command's own span, or these would all be its children
            Context().run(way)
            times[name].append((perf_counter_ns() - start) / SPANS / 1e3)
    loop = median(times["loop"])
    cost = {name: median(each) - loop for name, each in times.items()}
    installed = cost.get("opentelemetry")
    named = "OpenTelemetry SDK" if installed is not None else "OpenTelemetry SDK (not installed)"
    yield Figure("span within a span", cost["child"], "us", named, installed, Target("<=", 1))
    yield Figure("span that is not sampled", cost["unsampled"], "us", target=Target("<=", 0.3))
    yield Figure("root span, delivered to a sink", cost["root"], "us", named, installed)
    reported = tracer.stats()["average_overhead_ns"] / 1e3
    yield Figure(
        "span's cost as the tracer reports it", reported, "us", "measured from outside", cost["child"]
    )


def _children(tracer: LightweightTracer) -> None:
    with tracer.span("root"):
        for _ in range(SPANS):
            with tracer.span("child"):
                pass


def _roots(tracer: LightweightTracer) -> None:
    for _ in range(SPANS):
        with tracer.span("root"):
            pass


def _loop() -> None:
    for _ in range(SPANS):
        pass


def _discard(ended: list[Span]) -> None:
    del ended


def _opentelemetry() -> Callable[[], None] | None:
    """Return the same loop with the reference SDK, which exports nothing; None if it is not installed."""
    try:
        from opentelemetry.sdk.trace import TracerProvider  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        return None
    tracer = TracerProvider().get_tracer("bench")

    def children() -> None:
        with tracer.start_as_current_span("root"):
            for _ in range(SPANS):
                with tracer.start_as_current_span("child"):
                    pass

    return children


def measure_requests(options: Options) -> Iterator[Figure]:
    """Measure searches alternately with and without tracing; spans are stored as in production."""
    organisation = create_organisation(name="Bench", by=SYSTEM).id
    _, token = create_api_key(organisation=organisation, by=SYSTEM)
    client = Client(headers={"authorization": f"Bearer {token}"})
    _store(client)
    earlier = TRACER.sampling_rate, TRACER.sink
    writer = TraceWriter(background=False)
    TRACER.sink = writer
    count = REQUESTS_PER_QUERY * options.queries
    try:
        for number in range(2 * BLOCK):
            _search(client, number)
        traced, untraced = _in_turn(client, count)
        with_writing, without = _in_blocks(client, count, writer)
    finally:
        TRACER.configure(sampling_rate=earlier[0])
        TRACER.sink = earlier[1]
    # median of pairwise differences: other load affects both of a pair
    differences = [one - other for one, other in zip(traced, untraced, strict=True)]
    added = median(differences) / median(untraced) * 100
    yield Figure("search request, traced: p50", median(traced), "ms", "not traced", median(untraced))
    yield Figure("tracing adds to a request", added, "%", target=Target("<=", 3), overhead=True)
    beyond = quantiles(traced, n=20)[-1] - quantiles(untraced, n=20)[-1]
    yield Figure("tracing adds at p95", beyond, "ms", target=Target("<=", 1), overhead=True)
    stored = (with_writing / without - 1) * 100
    yield Figure("tracing and storing the traces add to all work", stored, "%", overhead=True)


def _store(client: Client) -> None:
    lines = "\n".join(
        json.dumps(
            {"content": f"note {number}: sales of boots rose {number % 17} percent in week {number % 52}"}
        )
        for number in range(MEMORIES)
    )
    answer = client.post("/api/v1/memories/bulk", lines, "application/x-ndjson")
    if answer.status_code != 200:
        raise RuntimeError(f"the memories were not stored: {answer.status_code}")


def _search(client: Client, number: int) -> float:
    body = {"query": f"how did boots sell in week {number % 10}", "limit": 10}
    start = perf_counter()
    answer = client.post("/api/v1/search", body, "application/json")
    took = (perf_counter() - start) * 1e3
    if answer.status_code != 200:
        raise RuntimeError(f"a search was answered {answer.status_code}")
    return took


def _in_turn(client: Client, count: int) -> tuple[list[float], list[float]]:
    times: dict[float, list[float]] = {1.0: [], 0.0: []}
    for number in tqdm(range(count), unit="pair", desc="requests in turn", disable=None):
        # alternate who goes first, so that effects of order cancel out
        for rate in (1.0, 0.0) if number % 2 else (0.0, 1.0):
            TRACER.configure(sampling_rate=rate)
            times[rate].append(_search(client, number))
    return times[1.0], times[0.0]


def _in_blocks(client: Client, count: int, writer: TraceWriter) -> tuple[float, float]:
    """Return the median time of a block of requests with tracing (traces stored before it ends) and without."""
    writer.flush()
    times: dict[float, list[float]] = {1.0: [], 0.0: []}
    for block in range(max(4, count // BLOCK)):
        rate = float(block % 2)
        TRACER.configure(sampling_rate=rate)
        start = perf_counter()
        for number in range(BLOCK):
            _search(client, number)
        writer.flush()
        times[rate].append(perf_counter() - start)
    return median(times[1.0]), median(times[0.0])


BENCH = Bench("tracing", "the cost of a span, and of tracing a request", run)
