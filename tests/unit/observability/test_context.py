import threading

import pytest

from liftos.observability.context import current_context, start_context, use_context

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_continues_a_callers_trace():
    context = start_context("order-17", f"00-{TRACE}-{SPAN}-01")
    assert (context.trace_id, context.parent_span_id, context.sampled) == (TRACE, SPAN, True)
    assert context.span_id != SPAN
    assert context.correlation_id == "order-17"


def test_takes_over_the_roots_decision_not_to_sample():
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
