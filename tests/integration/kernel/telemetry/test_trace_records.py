"""Stored traces: written off the request path, readable only by their organisation, pruned after retention."""

import os
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.models import TraceRecord
from liftos.kernel.telemetry.storage.operations import prune_traces
from liftos.kernel.telemetry.storage.writer import TraceWriter, organisation_of
from liftos.kernel.telemetry.tasks import prune_all_traces
from liftos.kernel.telemetry.tracing.tracer import TRACER
from tests.conftest import make_caller

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def install(monkeypatch):
    """Makes a writer and has the tracer use it."""

    def make(**options):
        writer = TraceWriter(**{"background": False} | options)
        monkeypatch.setattr(TRACER, "sink", writer)
        return writer

    return make


@pytest.fixture
def two(committed_db):
    return make_caller("First"), make_caller("Second")


def stored(caller):
    with tenant_transaction(caller.organisation):
        return list(TraceRecord.objects.order_by("id"))


def trees(count, **tags):
    """Have the tracer deliver trees of one span."""
    for _ in range(count):
        with TRACER.span("work", **tags):
            pass


def test_a_trace_can_be_read_by_its_organisation_alone(two, install):
    writer = install()
    own, other = two
    own.store("otters hold hands")
    found = own.post("/api/v1/search", {"query": "hands"}, **{"x-correlation-id": "c-1"})
    writer.flush()

    path = f"/api/v1/traces/{found['X-Trace-Id']}"
    answer = own.get(path)
    assert answer.status_code == 200
    trace = answer.json()
    assert list(trace) == [
        "trace_id", "correlation_id", "name", "started_at", "duration_ms", "status", "spans",
    ]  # fmt: skip
    assert (trace["trace_id"], trace["correlation_id"]) == (found["X-Trace-Id"], "c-1")
    assert (trace["name"], trace["status"]) == ("POST /api/v1/search", "ok")
    root, *rest = trace["spans"]
    assert (root["start_offset_ms"], root["duration_ms"]) == (0, pytest.approx(trace["duration_ms"]))
    assert root["tags"]["status"] == 200
    assert {"memory.search", "search.find", "search.score"} <= {span["name"] for span in rest}
    ids = [span["span_id"] for span in trace["spans"]]
    assert all(span["parent_id"] in ids and span["start_offset_ms"] > 0 for span in rest)

    assert other.get(path).status_code == 404
    assert stored(other) == []
    assert TraceRecord.objects.count() == 0  # outside of any organisation


def test_correlation_id_leads_to_decision_and_trace(two, install):
    writer = install()
    two[0].post("/api/v1/search", {"query": "hands"}, **{"x-correlation-id": "c-2"})
    writer.flush()
    [decision] = two[0].get("/api/v1/decisions?correlation_id=c-2").json()["results"]
    trace = two[0].get(f"/api/v1/traces/{decision['trace_id']}").json()
    assert trace["correlation_id"] == "c-2"
    assert trace["spans"][0]["span_id"] == decision["span_id"]


def test_requests_under_one_trace_id_are_one_trace(two, install):
    writer = install()
    for query in ("a", "b"):
        two[0].post("/api/v1/search", {"query": query}, traceparent=f"00-{TRACE}-{PARENT}-01")
    writer.flush()
    spans = two[0].get(f"/api/v1/traces/{TRACE}").json()["spans"]
    roots = [span for span in spans if span["parent_id"] == PARENT]
    assert len(stored(two[0])) == len(roots) == 2
    offsets = [span["start_offset_ms"] for span in spans]
    assert offsets == sorted(offsets)
    assert roots[1]["start_offset_ms"] >= roots[0]["duration_ms"]


@pytest.mark.parametrize("trace_id", [TRACE, "x", TRACE.upper(), TRACE + "0", "%00" * 32, "é" * 32])
def test_an_unknown_or_malformed_id_is_404(acme, trace_id):
    assert acme.get(f"/api/v1/traces/{trace_id}").status_code == 404


def test_traces_without_an_organisation_are_not_stored(two, install):
    writer = install()
    assert Client().get("/health").status_code == 200
    with TRACER.span("sweep"):
        for caller in two:
            with TRACER.span("memory.embed", organisation=str(caller.organisation)):
                pass
    trees(1, organisation="default_org")
    writer.flush()
    assert [stored(caller) for caller in two] == [[], []]
    assert (writer.written, writer.lost) == (0, 0)


def test_a_tree_belongs_to_the_organisation_that_any_of_its_spans_names(committed_db):
    organisation, kept = uuid4(), []
    tracer = type(TRACER)(sink=kept.append)
    with tracer.span("task"), tracer.span("memory.embed", organisation=str(organisation)):
        pass
    assert organisation_of(kept[0]) == organisation


def test_a_full_queue_drops_and_counts(two, install):
    writer = install(capacity=10)
    trees(25, organisation=str(two[0].organisation))
    assert writer.dropped == 15
    writer.flush()
    assert len(stored(two[0])) == writer.written == 10


def test_unstorable_tags_are_cleaned(two, install):
    writer = install()
    odd = {"nul": "a\x00b", "half": "\udcff", "nan": float("nan"), "long": "x" * 1_000, "object": uuid4()}
    trees(1, organisation=str(two[0].organisation), plain=1.5, **odd)
    writer.flush()
    [record] = stored(two[0])
    tags = record.spans[0]["tags"]
    assert (tags["plain"], tags["nul"], tags["nan"], len(tags["long"])) == (1.5, "ab", "nan", 200)


def test_an_errors_text_is_not_stored(two, install):
    writer = install()
    with pytest.raises(ValueError), TRACER.span("work", organisation=str(two[0].organisation)):
        raise ValueError("a memory's content")
    writer.flush()
    [record] = stored(two[0])
    assert (record.status, record.spans[0]["error_type"]) == ("error", "ValueError")
    assert "content" not in str(record.spans)


def test_failing_database_loses_only_traces(two, install, monkeypatch, caplog):
    now = [1_000.0]
    writer = install(clock=lambda: now[0])

    def fail(*args):
        raise RuntimeError("down")

    monkeypatch.setattr("liftos.kernel.telemetry.storage.writer._insert", fail)
    for moment in (1_000, 1_030, 1_059, 1_061):
        now[0] = moment
        assert two[0].post("/api/v1/search", {"query": "x"}).status_code == 200
        writer.flush()
    assert (writer.lost, writer.written) == (4, 0)
    assert [record.getMessage() for record in caplog.records if record.name == "liftos.traces"] == [
        "traces could not be stored and are lost"
    ] * 2


def test_one_organisations_failure_is_not_anothers(two, install, monkeypatch):
    writer = install()
    from liftos.kernel.telemetry.storage import writer as module

    insert = module._insert

    def fail_for_the_first(organisation, ended):
        if organisation == two[0].organisation:
            raise ValueError
        insert(organisation, ended)

    monkeypatch.setattr(module, "_insert", fail_for_the_first)
    for caller in two:
        trees(1, organisation=str(caller.organisation))
    writer.flush()
    assert (len(stored(two[0])), len(stored(two[1])), writer.lost) == (0, 1, 1)


def test_the_thread_writes_by_itself(two, install):
    writer = install(background=True, pause=0.01)
    try:
        trees(5, organisation=str(two[0].organisation))
        deadline = time.monotonic() + 20
        while writer.written < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert writer.written == 5
    finally:
        writer.stop()
    assert len(stored(two[0])) == 5


def test_stopping_writes_queued_traces(two, install):
    writer = install(background=True, pause=0.01)
    trees(5, organisation=str(two[0].organisation))
    writer.stop()
    assert len(stored(two[0])) == 5


def test_a_child_process_starts_empty(install):
    writer = install(background=True, pause=60)
    trees(3, organisation=str(uuid4()))
    child = os.fork()
    if not child:
        os._exit(0 if (len(writer._queue), writer._thread) == (0, None) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(writer._queue) == 3
    writer._queue.clear()


def test_only_old_traces_are_pruned(two, install):
    writer = install()
    for caller in two:
        trees(3, organisation=str(caller.organisation))
    writer.flush()
    now = timezone.now()
    organisation = two[0].organisation
    assert prune_traces(organisation=organisation, days=30, now=now + timedelta(days=29)) == 0
    assert prune_traces(organisation=organisation, days=30, now=now + timedelta(days=31)) == 3
    assert [len(stored(caller)) for caller in two] == [0, 3]


def test_pruning_goes_in_batches(two, install, monkeypatch):
    monkeypatch.setattr("liftos.kernel.telemetry.storage.operations.BATCH", 2)
    writer = install()
    trees(5, organisation=str(two[0].organisation))
    writer.flush()
    later = timezone.now() + timedelta(days=31)
    assert prune_traces(organisation=two[0].organisation, days=30, now=later) == 5


def test_the_task_prunes_every_organisation_by_the_setting(two, install, settings, monkeypatch):
    writer = install()
    for caller in two:
        trees(1, organisation=str(caller.organisation))
    writer.flush()
    settings.LIFTOS_TRACE_RETENTION_DAYS = "2"
    later = timezone.now() + timedelta(days=3)
    monkeypatch.setattr("liftos.kernel.telemetry.tasks.timezone.now", lambda: later)
    prune_all_traces()
    assert [stored(caller) for caller in two] == [[], []]


def test_the_admin_draws_a_trace_of_the_open_organisation_alone(two, install):
    writer = install()
    for caller in two:
        caller.post("/api/v1/search", {"query": "hands"})
    writer.flush()
    client = Client()
    client.force_login(User.objects.create_user("ann", password="x", is_staff=True, is_superuser=True))
    own, other = stored(two[0])[0], stored(two[1])[0]
    listed = client.get("/admin/observability/tracerecord/").content.decode()
    assert own.trace_id in listed
    assert other.trace_id not in listed
    page = client.get(f"/admin/observability/tracerecord/{own.id}/change/")
    assert page.status_code == 200
    assert page.content.decode().count('role="row"') == len(own.spans)
    assert "search.find" in page.content.decode()
    assert client.get(f"/admin/observability/tracerecord/{other.id}/change/").status_code == 302
    assert (
        client.post(f"/admin/observability/tracerecord/{own.id}/delete/", {"post": "yes"}).status_code == 403
    )
