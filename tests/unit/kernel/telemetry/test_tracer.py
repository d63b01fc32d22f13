import asyncio
import contextvars
import itertools
import os
import random
import threading

import pytest

from liftos.kernel.telemetry.tracing import spans
from liftos.kernel.telemetry.tracing.context import (
    RequestContext,
    peek_context,
    start_context,
    use_context,
    use_sampler,
)
from liftos.kernel.telemetry.tracing.null_spans import NULL_SPAN
from liftos.kernel.telemetry.tracing.spans import SpanLevel, current_span
from liftos.kernel.telemetry.tracing.tracer import LightweightTracer

TRACE, REMOTE = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(autouse=True)
def outside_of_any_request():
    """Start each test without a span or request context."""
    spans.set_current_span(None)
    before = peek_context()
    variable = (
        next(var for var in contextvars.copy_context() if var.name == "liftos_request_context")
        if before
        else None
    )
    token = variable.set(None) if variable else None
    yield
    assert current_span() is None
    if token:
        variable.reset(token)


def tree(ended):
    """Names as `{child: parent}`; fails unless ids are well-formed, unique and in one tree of one trace."""
    by_id = {span.span_id: span for span in ended}
    assert len(by_id) == len(ended)
    assert len({span.trace_id for span in ended}) == 1
    assert sum(span.parent_id not in by_id for span in ended) == 1
    for span in ended:
        assert len(span.trace_id) == 32
        assert len(span.span_id) == 16
        assert int(span.span_id, 16)
        assert int(span.trace_id, 16)
    return {span.name: by_id[span.parent_id].name if span.parent_id in by_id else "" for span in ended}


def test_nested_spans_form_one_tree():
    trees = []
    tracer = LightweightTracer("memory", sink=trees.append)
    with tracer.span("request", path="/store") as root:
        with tracer.span("embed"):
            pass
        with tracer.span("write") as write:
            write.set_tag("rows", 2)
            write.log("retry", attempt=1)
            with tracer.span("index"):
                pass
    assert [tree(ended) for ended in trees] == [
        {"embed": "request", "index": "write", "write": "request", "request": ""}
    ]
    assert root.tags == {"path": "/store"}
    assert root.parent_id == ""
    assert write.tags == {"rows": 2}
    assert [(note.message, note.fields) for note in write.logs] == [("retry", {"attempt": 1})]
    assert write.start_wall <= write.logs[0].at_ns <= write.start_wall + write.duration_ns
    assert {span.name for span in tracer.traces(root.trace_id)} == {"request", "embed", "write", "index"}


def test_two_roots_are_two_traces():
    tracer = LightweightTracer()
    with tracer.span("one") as one:
        pass
    with tracer.span("two") as two:
        pass
    assert one.trace_id != two.trace_id
    assert tracer.traces(one.trace_id) == [one]


def test_fifty_interleaved_requests_are_fifty_trees():
    trees = []
    tracer = LightweightTracer(sink=trees.append)

    async def step(name, pauses):
        async with tracer.span(name):
            await asyncio.sleep(0)
            async with tracer.span(f"{name}.inner"):
                for _ in range(pauses):
                    await asyncio.sleep(0)

    async def request(number):
        with use_context(start_context(f"request-{number}")):
            async with tracer.span(f"request-{number}"):
                await asyncio.sleep(0)
                await asyncio.gather(step(f"{number}.a", number % 7), step(f"{number}.b", number % 3))
                await step(f"{number}.c", 1)

    async def requests():
        await asyncio.gather(*(request(number) for number in range(50)))

    asyncio.run(requests())
    assert len(trees) == 50
    for ended in trees:
        root = ended[-1].name
        number = root.removeprefix("request-")
        expected = {root: ""}
        for part in "abc":
            expected |= {f"{number}.{part}": root, f"{number}.{part}.inner": f"{number}.{part}"}
        assert tree(ended) == expected
    assert len({ended[0].trace_id for ended in trees}) == 50
    assert len({span.span_id for ended in trees for span in ended}) == 50 * 7


def test_threads_have_separate_trees():
    trees = []
    tracer = LightweightTracer(sink=trees.append)
    together = threading.Barrier(8)

    def work(number):
        for turn in range(50):
            together.wait()
            with tracer.span(f"{number}.{turn}"), tracer.span("child"):
                pass

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(trees) == 400
    assert all(set(tree(ended)) == {"child", ended[-1].name} for ended in trees)
    assert tracer.stats()["total_spans"] == tracer.stats()["completed_spans"] == 800


def test_work_moved_to_another_thread_stays_in_its_tree():
    trees = []
    tracer = LightweightTracer(sink=trees.append)

    def work():
        with tracer.span("carried"):
            pass

    with tracer.span("root"):
        context = contextvars.copy_context()
        thread = threading.Thread(target=lambda: context.run(work))
        thread.start()
        thread.join()
    assert [tree(ended) for ended in trees] == [{"carried": "root", "root": ""}]


def test_a_task_that_outlives_its_root_is_delivered_after_it():
    parts = []
    tracer = LightweightTracer(sink=parts.append)

    async def late():
        with tracer.span("late"):
            await asyncio.sleep(0)

    async def request():
        with tracer.span("root"):
            task = asyncio.create_task(late())
            await asyncio.sleep(0)
        await task

    asyncio.run(request())
    assert [[span.name for span in part] for part in parts] == [["root"], ["late"]]
    assert tree([*parts[0], *parts[1]]) == {"root": "", "late": "root"}


def test_one_request_is_one_trace_and_one_tree():
    ended = []
    tracer = LightweightTracer(sink=ended.extend)
    with use_context(start_context(traceparent=f"00-{TRACE}-{REMOTE}-01")) as context:
        with tracer.span("request") as root:
            assert tracer.traceparent() == f"00-{TRACE}-{root.span_id}-01" == context.traceparent
            with tracer.span("search"):
                pass
        with tracer.span("streamed"):
            pass
        assert tracer.traceparent() == context.traceparent
    assert tree(ended) == {"request": "", "search": "request", "streamed": "request"}
    assert (root.trace_id, root.parent_id, root.span_id) == (TRACE, REMOTE, context.span_id)


def test_two_tracers_share_a_tree():
    ended = []
    memory, workflows = LightweightTracer("memory", sink=ended.extend), LightweightTracer("workflows")
    with memory.span("request"), workflows.span("step"):
        pass
    assert tree(ended) == {"step": "request", "request": ""}
    assert [span._tracer.service_name for span in ended] == ["workflows", "memory"]
    assert workflows.stats()["completed_spans"] == 1


def test_a_new_unit_of_work_is_no_part_of_an_open_span_of_another():
    tracer = LightweightTracer()
    with tracer.span("outer") as outer:
        with use_context(start_context()) as context, tracer.span("request") as request:
            assert request.trace_id == context.trace_id != outer.trace_id
            assert request.parent is None
        assert current_span() is outer


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_sampling_keeps_its_share_and_children_follow(monkeypatch, rate):
    monkeypatch.setattr(spans, "_random", random.Random(11))
    trees = []
    tracer = LightweightTracer(sampling_rate=rate, sink=trees.append)
    for _ in range(10_000):
        with (
            tracer.span("root") as root,
            tracer.span("child") as child,
            tracer.span("grandchild") as grandchild,
        ):
            pass
        assert root.recording == child.recording == grandchild.recording
    assert abs(len(trees) - 10_000 * rate) <= 100
    assert all(tree(ended) == {"grandchild": "child", "child": "root", "root": ""} for ended in trees)
    stats = tracer.stats()
    assert (stats["total_spans"], stats["sampled_spans"]) == (30_000, 3 * len(trees))


def test_services_with_one_rate_agree():
    ids = [f"{number:016x}{random.Random(number).getrandbits(64):016x}" for number in range(2_000)]
    one, other, wider = (LightweightTracer(sampling_rate=rate) for rate in (0.25, 0.25, 0.5))
    kept = [each for each in ids if one.samples(each)]
    assert 0 < len(kept) < 1_000
    assert kept == [each for each in ids if other.samples(each)]
    assert all(wider.samples(each) for each in kept)


@pytest.mark.parametrize(("rate", "flag", "kept"), [(0.0, "01", True), (1.0, "00", False)])
def test_callers_sampling_decision_is_honoured(rate, flag, kept):
    tracer = LightweightTracer(sampling_rate=rate)
    with use_context(start_context(traceparent=f"00-{TRACE}-{REMOTE}-{flag}")) as context:
        with tracer.span("request") as root, tracer.span("child") as child:
            assert root.recording == child.recording == kept
            assert tracer.traceparent() == child.traceparent
            assert child.traceparent.startswith(f"00-{TRACE}-")
            assert child.traceparent.endswith(flag)
        assert root.span_id == context.span_id


def test_new_contexts_carry_the_samplers_decision():
    tracer = LightweightTracer(sampling_rate=0.5)
    use_sampler(tracer.samples)
    try:
        contexts = [start_context() for _ in range(200)]
    finally:
        use_sampler(lambda trace_id: True)
    assert {context.sampled for context in contexts} == {True, False}
    for context in contexts:
        with use_context(context), tracer.span("request") as root:
            assert root.recording == context.sampled


def test_sampling_rates_of_zero_and_one():
    for rate, kept in ((0, 0), (1, 200)):
        tracer = LightweightTracer(sampling_rate=rate)
        for _ in range(200):
            with tracer.span("root"):
                pass
        assert tracer.stats()["sampled_spans"] == kept


def test_the_minimum_level_shows_and_hides():
    tracer = LightweightTracer()
    with tracer.span("request") as root, tracer.span("function", SpanLevel.DEBUG) as hidden:
        assert hidden.span_id == root.span_id
        with tracer.span("query", level=SpanLevel.WARNING) as query:
            pass
    assert [span.name for span in tracer.recent()] == ["request", "query"]
    assert query.parent is root

    tracer.configure(min_level=SpanLevel.DEBUG)
    with tracer.span("request"), tracer.span("function", SpanLevel.DEBUG), tracer.span("x", SpanLevel.TRACE):
        pass
    assert [span.name for span in tracer.recent(2)] == ["request", "function"]
    assert tracer.recent(2)[1].level == SpanLevel.DEBUG
    assert len(SpanLevel) == 6


def test_the_ring_is_bounded_and_the_totals_are_not():
    tracer = LightweightTracer()
    with tracer.span("root"):
        for number in range(25_000):
            with tracer.span("child", number=number):
                pass
        assert tracer.stats()["active_spans"] == 1
    kept = tracer.recent(30_000)
    assert len(kept) == 10_000
    assert [span.name for span in kept[:2]] == ["root", "child"]
    assert kept[1].tags == {"number": 24_999}
    stats = tracer.stats()
    assert stats["total_spans"] == stats["sampled_spans"] == stats["completed_spans"] == 25_001
    assert stats["active_spans"] == 0


def test_a_tree_is_delivered_in_bounded_form():
    trees = []
    tracer = LightweightTracer(max_spans=10, sink=trees.append)
    with tracer.span("root"):
        for _ in range(50):
            with tracer.span("child"):
                pass
    assert [span.name for span in trees[0]] == ["child"] * 10 + ["root"]
    assert tracer.truncated_traces == 1


def test_statistics_have_the_contracts_keys():
    tracer = LightweightTracer("memory", sampling_rate=0.5)
    empty = tracer.stats()
    assert empty == {
        "service_name": "memory",
        "total_spans": 0,
        "sampled_spans": 0,
        "sampling_rate": 0.5,
        "active_spans": 0,
        "completed_spans": 0,
        "average_overhead_ns": 0.0,
        "total_overhead_ms": 0.0,
    }
    tracer.configure(sampling_rate=1.0)
    for _ in range(200):
        with tracer.span("root"):
            pass
    stats = tracer.stats()
    assert list(stats) == list(empty)
    assert stats["average_overhead_ns"] > 0
    assert stats["total_overhead_ms"] == pytest.approx(stats["average_overhead_ns"] * 200 / 1e6, rel=0.01)
    assert tracer.stats()["total_spans"] == 200  # reading counts nothing
    assert {span.name for span in tracer.recent(1_000)} == {
        "root"
    }  # its own measurements are not in the ring


def test_an_exception_is_recorded_and_propagates():
    tracer = LightweightTracer()
    failure = LookupError("no such space")
    with pytest.raises(LookupError) as caught, tracer.span("outer"), tracer.span("inner"):
        raise failure
    assert caught.value is failure
    outer, inner = tracer.recent(2)
    for span in (outer, inner):
        assert (span.status, span.error_type, span.error_message) == ("error", "LookupError", "no such space")
    with tracer.span("next") as after:
        pass
    assert after.status == "ok"
    assert after.parent is None


def test_a_handled_error_may_be_recorded():
    tracer = LightweightTracer()
    with tracer.span("fallback") as span:
        span.record_error(TimeoutError("embedder"))
    assert (span.status, span.error_type) == ("error", "TimeoutError")


def test_an_error_without_readable_text_is_still_raised():
    class Silent(Exception):
        def __str__(self):
            raise RuntimeError("cannot be told")

    tracer = LightweightTracer()
    with pytest.raises(Silent), tracer.span("odd"):
        raise Silent
    assert tracer.recent(1)[0].error_type == "Silent"


def test_cancellation_is_recorded():
    tracer = LightweightTracer()

    async def request():
        async with tracer.span("slow"):
            await asyncio.sleep(60)

    async def cancel():
        task = asyncio.create_task(request())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert tracer.recent(1)[0].error_type == "CancelledError"


def test_wall_clock_stepping_back_has_no_effect():
    monotonic = itertools.count(1_000, 500)
    wall = itertools.count(1_700_000_000_000_000_000, -3_600_000_000_000)
    tracer = LightweightTracer(clock_ns=monotonic.__next__, wall_ns=wall.__next__)
    with tracer.span("parent") as parent, tracer.span("child") as child:
        next(wall)
    assert (child.duration_ns, parent.duration_ns) == (500, 1_500)
    assert isinstance(child.duration_ns, int)
    assert parent.start_wall == 1_700_000_000_000_000_000 + 500
    assert child.start_wall - parent.start_wall == 500


def stepping(tracer):
    with tracer.span("generator"):
        yield current_span()
        yield current_span()


def test_generators_span_ends_with_the_generator():
    tracer = LightweightTracer()
    with tracer.span("parent") as parent:
        assert [span.name for span in stepping(tracer)] == ["generator", "generator"]
        assert current_span() is parent


def test_closed_generator_restores_the_parent_without_error():
    tracer = LightweightTracer()
    with tracer.span("parent") as parent:
        steps = stepping(tracer)
        generator_span = next(steps)
        steps.close()
        assert current_span() is parent
        with tracer.span("sibling") as sibling:
            pass
    assert sibling.parent is parent
    assert generator_span.status == "ok"


def test_a_generator_abandoned_in_its_span_does_not_corrupt_the_parent():
    parts = []
    tracer = LightweightTracer(sink=parts.append)
    with tracer.span("grandparent") as grandparent:
        with tracer.span("parent"):
            steps = stepping(tracer)
            next(steps)
        assert current_span() is grandparent
    assert current_span() is None
    with tracer.span("later") as later:
        steps.close()  # ends long after, in the middle of another trace
        assert current_span() is later
    assert later.parent is None
    assert [[span.name for span in part] for part in parts] == [
        ["parent", "grandparent"],
        ["generator"],
        ["later"],
    ]
    assert tracer.stats()["active_spans"] == 0


def test_failing_or_tracing_sink_has_no_effect():
    tracer = LightweightTracer()
    calls = []

    def sink(ended):
        calls.append(ended)
        with tracer.span("inside the sink") as inner:
            assert not inner.recording
        raise OSError("disk full")

    tracer.sink = sink
    with tracer.span("root"):
        pass
    assert (len(calls), tracer.sink_errors) == (1, 1)


def test_an_unsampled_trace_is_not_delivered_and_keeps_nothing():
    trees = []
    tracer = LightweightTracer(sampling_rate=0, sink=trees.append)
    with pytest.raises(KeyError), tracer.span("root") as root, tracer.span("child", size=3) as child:
        child.set_tag("size", 4)
        child.log("note")
        child.record_error(OSError())
        assert child is NULL_SPAN
        assert (child.tags, child.logs, child.status, child.duration_ns) == ({}, [], "ok", 0)
        assert child.trace_id == root.trace_id
        assert len(child.span_id) == 16
        assert child.parent_id == ""
        assert child.start_wall == 0
        raise KeyError
    assert trees == []
    assert tracer.recent() == []
    assert (NULL_SPAN.trace_id, NULL_SPAN.span_id, NULL_SPAN.parent_id, NULL_SPAN.traceparent) == (
        "",
        "",
        "",
        "",
    )
    assert tracer.traceparent() == ""


def test_span_keeps_what_it_was_told():
    tracer = LightweightTracer("memory")
    with tracer.span("root", level=SpanLevel.CRITICAL, size=3) as root:
        root.log("half way", percent=50)
    assert root.name == "root"
    assert root.level == SpanLevel.CRITICAL
    assert root.tags == {"size": 3}
    assert root.logs[0].fields == {"percent": 50}
    assert root.duration_ns >= 0
    assert "root" in repr(root)


def test_tags_and_logs_are_bounded():
    tracer = LightweightTracer()
    with tracer.span("busy") as span:
        for number in range(1_000):
            span.set_tag(f"tag-{number}", number)
            span.log("x" * 5_000)
        span.set_tag("tag-0", "changed")
    assert len(span.tags) == len(span.logs) == 128
    assert span.tags["tag-0"] == "changed"
    assert len(span.logs[0].message) == 2_000


def test_configuration_is_checked():
    for wrong in ({"sampling_rate": 1.1}, {"sampling_rate": -0.1}, {"max_spans": 0}):
        with pytest.raises(ValueError):
            LightweightTracer(**wrong)
    tracer = LightweightTracer()
    for name in "abc":
        with tracer.span(name):
            pass
    tracer.configure(max_spans=2)
    assert [span.name for span in tracer.recent()] == ["c", "b"]
    assert tracer.recent(0) == []


def test_ids_are_never_zero(monkeypatch):
    draws = iter([0, 0, 7])
    monkeypatch.setattr(
        spans, "_random", type("Zeros", (), {"getrandbits": lambda self, bits: next(draws)})()
    )
    assert spans.random_id(64) == 7


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_forked_child_generates_its_own_ids():
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.write(writer, f"{spans.random_id(64):016x}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    drawn = os.read(reader, 16).decode()
    os.close(reader)
    os.close(writer)
    assert drawn != f"{spans.random_id(64):016x}"


def test_the_request_span_is_claimed_once():
    context = RequestContext("c", TRACE, REMOTE)
    assert [context.claim_root(), context.claim_root()] == [True, False]
