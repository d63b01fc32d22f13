import asyncio
import itertools
from contextlib import suppress

import pytest

from liftos.kernel import ports
from liftos.kernel.errors import LiftosError
from liftos.kernel.telemetry import manager as manager_module
from liftos.kernel.telemetry.manager import (
    ObservabilityManager,
    configure,
    get_observability,
    observe_async_operation,
    observe_operation,
)
from liftos.kernel.telemetry.metrics.collector import MetricsCollector
from liftos.kernel.telemetry.tracing.context import start_context, use_sampler
from liftos.kernel.telemetry.tracing.spans import SpanLevel
from liftos.kernel.telemetry.tracing.tracer import TRACER, LightweightTracer


def test_old_call_form_works_and_counts():
    observability = ObservabilityManager("memory", "default_org")

    async def search():
        async with observability.observe_async_operation("memory_search") as span:
            await asyncio.sleep(0)
            return span

    for expected in (1, 2):
        span = asyncio.run(search())
        summary = observability.metrics.summary()
        assert summary["counters"] == {"memory_search.success": expected}
        assert summary["timers"]["memory_search.duration"]["count"] == expected
    assert span.name == "memory_search"
    assert span.tags == {"organisation": "default_org"}
    assert observability.tracer.recent(1) == [span]


def test_a_failure_is_counted_timed_traced_and_raised():
    observability = ObservabilityManager()
    with pytest.raises(LookupError, match="gone"), observability.observe_operation("memory_store"):
        raise LookupError("gone")
    summary = observability.metrics.summary()
    assert summary["counters"] == {"memory_store.error": 1}
    assert summary["timers"]["memory_store.duration"]["count"] == 1
    assert observability.tracer.recent(1)[0].error_message == "gone"


def test_durations_use_the_monotonic_clock():
    clock = itertools.count(0, 2_000_000)
    observability = ObservabilityManager(clock_ns=clock.__next__)
    with observability.observe_operation("work"):
        pass
    assert observability.metrics.summary()["timers"]["work.duration"]["max_ms"] == 2.0


def test_each_operation_belongs_to_its_organisation():
    observability = ObservabilityManager("memory", "default_org")
    for organisation in ("acme", "acme", "globex"):
        with observability.observe_operation(
            "search", organisation=organisation, function="neural", query_id=17
        ):
            pass
    with observability.observe_operation("search"):
        pass
    groups = observability.metrics.summary(split_by="organisation")["groups"]
    assert {name: group["counters"]["search.success"] for name, group in groups.items()} == {
        "acme": 2,
        "globex": 1,
        "default_org": 1,
    }
    assert set(observability.metrics.summary(split_by="function")["groups"]) == {"neural", ""}
    assert observability.statistics("acme")["metrics"]["counters"] == {"search.success": 2}
    assert observability.tracer.recent(2)[1].tags == {
        "organisation": "globex",
        "function": "neural",
        "query_id": 17,
    }


def test_operations_are_counted_whether_or_not_they_are_traced():
    tracer = LightweightTracer(sampling_rate=0)
    observability = ObservabilityManager(tracer=tracer)
    with observability.observe_operation("outer") as outer, observability.observe_operation("inner") as inner:
        assert not outer.recording
        assert not inner.recording
    with observability.observe_operation("quiet", level=SpanLevel.DEBUG):
        pass
    assert observability.metrics.summary()["counters"] == {
        "inner.success": 1,
        "outer.success": 1,
        "quiet.success": 1,
    }
    assert tracer.recent() == []


def test_an_operation_in_a_generator_left_early_has_not_failed():
    observability = ObservabilityManager()

    def stream():
        with observability.observe_operation("stream"):
            yield 1
            yield 2

    steps = stream()
    next(steps)
    steps.close()
    assert observability.metrics.summary()["counters"] == {"stream.success": 1}
    assert observability.tracer.recent(1)[0].status == "ok"


NONE = {
    "total_events": 0, "decision_points": 0, "recent_events": 0, "average_confidence": 0.0, "operations_count": {}, "decision_chains": 0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def decisions(monkeypatch):
    """A source of decisions without a database."""
    monkeypatch.setattr(ports.decision_figures, "filler", lambda organisation: dict(NONE))


def test_statistics_have_the_contracts_blocks():
    observability = ObservabilityManager("memory", "acme", wall=lambda: 1735984800.0)
    with observability.observe_operation("memory_search"):
        pass
    statistics = observability.statistics()
    assert list(statistics) == ["service_name", "org_id", "tracing", "metrics", "accountability", "timestamp"]
    assert (statistics["service_name"], statistics["org_id"]) == ("memory", "acme")
    assert statistics["timestamp"] == 1735984800.0
    assert list(statistics["tracing"]) == [
        "service_name", "total_spans", "sampled_spans", "sampling_rate", "active_spans",
        "completed_spans", "average_overhead_ns", "total_overhead_ms",
    ]  # fmt: skip
    assert statistics["tracing"]["completed_spans"] == 1
    assert statistics["tracing"]["average_overhead_ns"] > 0
    assert list(statistics["metrics"]["timers"]["memory_search.duration"]) == [
        "count", "min_ms", "max_ms", "mean_ms", "p50_ms", "p95_ms", "p99_ms",
    ]  # fmt: skip
    assert statistics["accountability"] == {"org_id": "acme"} | NONE


def test_statistics_take_the_decisions_of_the_organisation_asked_for(monkeypatch):
    monkeypatch.setattr(
        ports.decision_figures, "filler", lambda organisation: {"total_events": len(organisation)}
    )
    observability = ObservabilityManager()
    assert observability.statistics("globex")["accountability"] == {"org_id": "globex", "total_events": 6}
    assert observability.statistics()["accountability"]["org_id"] == "default_org"


def test_statistics_without_a_source_of_decisions_are_refused(monkeypatch):
    monkeypatch.setattr(ports.decision_figures, "filler", None)
    with pytest.raises(RuntimeError, match=r"django\.setup"):
        ObservabilityManager().statistics()


def error_of(status):
    """Return a LiftOS error with a status."""
    return type("Asked", (LiftosError,), {"status": status, "code": f"test.{status}"})("no")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 422, 429])
def test_refused_operation_is_not_a_failure(status):
    told = []
    observability = ObservabilityManager(export=lambda name: lambda ns, outcome: told.append(str(outcome)))
    for error in (None, error_of(status)):
        with suppress(LiftosError), observability.observe_operation("memory.find"):
            if error:
                raise error
    assert observability.metrics.summary()["counters"] == {"memory.find.success": 1, "memory.find.refused": 1}
    assert observability.metrics.summary()["timers"]["memory.find.duration"]["count"] == 1
    totals = observability.totals("memory.")
    assert (totals.count, totals.successes, totals.failures, totals.success_rate) == (1, 1, 0, 1.0)
    span = observability.tracer.recent(1)[0]
    assert (span.status, span.error_type, span.tags["refused"]) == ("ok", "", f"test.{status}")
    assert told == ["success", "refused"]


@pytest.mark.parametrize("error", [error_of(500), error_of(503), ValueError("x"), KeyboardInterrupt()])
def test_server_error_is_a_failure(error):
    observability = ObservabilityManager()
    with pytest.raises(type(error)), observability.observe_operation("memory.find"):
        raise error
    assert observability.metrics.summary()["counters"] == {"memory.find.error": 1}
    assert observability.totals("memory.").success_rate == 0
    assert observability.tracer.recent(1)[0].status == "error"


def test_an_error_that_the_block_handles_can_still_be_its_failure():
    observability = ObservabilityManager()
    operation = observability.observe_operation("workflow.step")
    with operation:
        operation.fail(error_of(404))
    assert observability.metrics.summary()["counters"] == {"workflow.step.error": 1}
    assert observability.tracer.recent(1)[0].error_type == "Asked"


def test_the_recent_average_is_of_an_organisations_last_hundred_operations_of_a_kind():
    observability = ObservabilityManager()
    assert observability.recent_average_ms("memory", "acme") == 0.0
    for milliseconds in range(1, 151):
        name = "memory.store" if milliseconds % 2 else "memory.search"
        observability.record(name, milliseconds * 1_000_000, organisation="acme")
    observability.record("memory.store", 10**12, organisation="rival")
    observability.record("workflow.run", 10**12, organisation="acme")
    assert observability.recent_average_ms("memory", "acme") == sum(range(51, 151)) / 100


def test_the_kept_meters_are_bounded():
    observability = ObservabilityManager(metrics=MetricsCollector(max_series=20, max_points=100))
    for number in range(200):
        with observability.observe_operation("work", organisation=f"org-{number}"):
            pass
    assert len(observability._meters) <= 20
    assert observability.metrics.summary()["counters"]["work.success"] == 200


@pytest.fixture
def process_manager(monkeypatch):
    """The process's manager; its settings are restored afterwards."""
    manager = get_observability()
    before = (manager.service, manager.org)
    tracer_before = (
        TRACER.service_name,
        TRACER.sampling_rate,
        TRACER.min_level,
        TRACER.max_spans,
        TRACER.sink,
    )
    metrics_name = manager.metrics.service_name
    yield manager
    manager.service, manager.org = before
    manager.metrics.service_name = metrics_name
    TRACER.service_name, rate, level, size, TRACER.sink = tracer_before
    TRACER.configure(sampling_rate=rate, min_level=level, max_spans=size)
    use_sampler(TRACER.samples)


def test_the_process_has_one_manager(process_manager):
    assert process_manager.tracer is TRACER
    assert get_observability() is process_manager is manager_module._manager


def test_the_process_is_configured_in_place(process_manager):
    trees = []
    configured = configure(
        service="gateway",
        org="acme",
        sampling_rate=1.0,
        min_level=SpanLevel.DEBUG,
        max_spans=100,
        sink=trees.append,
    )
    assert configured is process_manager
    with observe_operation("configured.work", level=SpanLevel.DEBUG) as span:
        pass
    assert trees == [[span]]
    statistics = process_manager.statistics()
    assert statistics["service_name"] == statistics["tracing"]["service_name"] == "gateway"
    assert statistics["accountability"]["org_id"] == "acme"
    configure()  # changes nothing
    assert (TRACER.min_level, TRACER.max_spans, TRACER.sink) == (SpanLevel.DEBUG, 100, trees.append)


def test_request_contexts_take_the_configured_rate(process_manager):
    configure(sampling_rate=0)
    assert not start_context().sampled
    configure(sampling_rate=1)
    assert start_context().sampled


def test_the_helpers_observe_with_the_process_manager(process_manager):
    async def work():
        async with observe_async_operation("helper.work", organisation="acme"):
            pass

    asyncio.run(work())
    with pytest.raises(ValueError), observe_operation("helper.work", organisation="acme"):
        raise ValueError
    counters = process_manager.metrics.summary(where={"organisation": "acme"})["counters"]
    assert (counters["helper.work.success"], counters["helper.work.error"]) == (1, 1)
