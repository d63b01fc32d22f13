import asyncio
import threading
from contextvars import Context, copy_context

import pytest

from liftos.kernel.telemetry.tracing.context import current_context, peek_context, start_context, use_context
from liftos.kernel.telemetry.tracing.tracer import LightweightTracer

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_continues_a_callers_trace():
    context = start_context("order-17", f"00-{TRACE}-{SPAN}-01")
    assert (context.trace_id, context.parent_span_id, context.sampled) == (TRACE, SPAN, True)
    assert context.span_id != SPAN
    assert context.correlation_id == "order-17"


def test_parents_sampling_decision_is_inherited():
    context = start_context(traceparent=f"00-{TRACE}-{SPAN}-00")
    assert not context.sampled
    assert context.traceparent.endswith("-00")


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
    ],
)
def test_a_malformed_header_starts_a_new_trace(header):
    context = start_context(traceparent=header)
    assert context.trace_id != TRACE
    assert context.parent_span_id == ""


@pytest.mark.parametrize("sent", ["", "with space", "x" * 129, "line\nbreak", "é"])
def test_an_unusable_correlation_id_is_replaced(sent):
    assert start_context(sent).correlation_id != sent


def test_contexts_do_not_leak_between_threads():
    seen = []
    with use_context(start_context("outer")):
        thread = threading.Thread(target=lambda: seen.append(current_context().correlation_id))
        thread.start()
        thread.join()
        assert current_context().correlation_id == "outer"
    assert seen != ["outer"]


def outside(check):
    """Run a check without any test's context or span."""
    return Context().run(check)


def test_context_outside_a_unit_of_work_is_not_kept():
    def check():
        first, second = current_context(), current_context()
        assert first.trace_id != second.trace_id
        assert first.correlation_id != second.correlation_id
        assert peek_context() is None

    outside(check)


@pytest.mark.parametrize("rate", [0, 1])
def test_a_trace_outside_of_any_request_is_one_unit_of_work(rate):
    tracer = LightweightTracer(sampling_rate=rate)

    def check():
        with tracer.span("work") as root:
            assert peek_context() is None
            with tracer.span("step"):
                context = current_context()
            assert current_context() is peek_context() is context
            assert copy_context().run(current_context) is context
            assert (context.trace_id, context.span_id) == (root.trace_id, root.span_id)
            assert context.sampled == bool(rate)
            assert context.traceparent == root.traceparent
            assert root.tags.get("correlation_id") == (context.correlation_id if rate else None)
        assert peek_context() is None
        with tracer.span("later") as later:
            assert later.trace_id != context.trace_id
            assert current_context().correlation_id != context.correlation_id

    outside(check)


def test_concurrent_threads_share_one_context():
    tracer, gate, seen = LightweightTracer(), threading.Barrier(8), []

    def ask():
        gate.wait()
        seen.append(current_context())

    def check():
        with tracer.span("work"):
            threads = [threading.Thread(target=copy_context().run, args=(ask,)) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    outside(check)
    assert len(set(map(id, seen))) == 1


def test_tasks_of_one_loop_are_units_of_work_of_their_own():
    tracer = LightweightTracer()

    async def work():
        async with tracer.span("work") as span:
            context = current_context()
            await asyncio.sleep(0)
            assert current_context() is context
            return span.trace_id, context.trace_id

    async def side_by_side():
        return await asyncio.gather(*(work() for _ in range(10)))

    found = outside(lambda: asyncio.run(side_by_side()))
    assert all(of_span == of_context for of_span, of_context in found)
    assert len(dict(found)) == 10
