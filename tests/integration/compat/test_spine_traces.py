"""Calls from Python leave their thread unchanged; each is a unit of work with its own trace."""

import asyncio
import threading

import pytest
from django.db import connections

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.outbox.models import OutboxEvent
from liftos.kernel.telemetry.tracing.context import peek_context
from liftos.kernel.telemetry.tracing.spans import current_span
from liftos.kernel.telemetry.tracing.tracer import TRACER
from liftos.kernel.tenancy.types import SYSTEM
from liftos.spine import (
    AccountabilityOrchestrator,
    EmbeddingManager,
    EnhancedKSEIntegration,
    MemoryInterface,
    UltraFastOrchestrator,
    WorkflowOrchestrator,
)
from memory.operations import remember
from memory.types import MemoryDraft
from tests.conftest import make_caller

pytestmark = pytest.mark.filterwarnings("ignore:.*async_to_sync.*")

STEP = {"name": "find", "function": "memory.search", "arguments": {"query": "rain", "limit": 1}}


@pytest.fixture
def acme(committed_db):
    return make_caller("Acme")


def call_search(slug):
    EnhancedKSEIntegration(EmbeddingManager()).search(slug, "rain")


def call_store(slug):
    EnhancedKSEIntegration(EmbeddingManager()).store(slug, "Rain lifts sales of boots")


def call_space(slug):
    EnhancedKSEIntegration(EmbeddingManager()).create_space(slug, "brand", ["price"])


def call_search_in_a_loop(slug):
    asyncio.run(MemoryInterface(EnhancedKSEIntegration(EmbeddingManager())).search(slug, "rain"))


def call_record(slug):
    AccountabilityOrchestrator(slug).record_decision("forecast", "the season")


def call_function(slug):
    orchestrator = UltraFastOrchestrator(max_workers=2)
    orchestrator.execute(slug, "memory.search", {"query": "rain", "limit": 1})
    orchestrator.close()


def call_workflow(slug):
    orchestrator = WorkflowOrchestrator()
    orchestrator.register_workflow_template("finding", {"name": "finding", "steps": [STEP]})
    assert orchestrator.execute_workflow(slug, "finding")["status"] == "completed"


CALLS = [
    call_search, call_store, call_space, call_search_in_a_loop, call_record, call_function, call_workflow,
]  # fmt: skip


def root_trace():
    """Return the trace of work started now."""
    with TRACER.span("later") as span:
        return span.trace_id


@pytest.mark.parametrize("call", CALLS)
def test_later_work_of_the_thread_has_traces_of_its_own(acme, call):
    assert peek_context() is None
    call(acme.slug)
    assert peek_context() is None
    assert current_span() is None
    assert len({root_trace() for _ in range(3)}) == 3


def test_a_thread_that_searched_goes_on_with_other_traces(acme):
    found = []

    def work():
        try:
            call_search(acme.slug)
            found.extend(root_trace() for _ in range(3))
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(set(found)) == 3


def test_searches_after_one_another_in_one_loop_have_traces_of_their_own(acme):
    interface = MemoryInterface(EnhancedKSEIntegration(EmbeddingManager()))

    async def work():
        for _ in range(2):
            await interface.search(acme.slug, "rain")
        return {root_trace() for _ in range(3)}

    assert len(asyncio.run(work())) == 3
    with tenant_transaction(acme.organisation):
        traces = DecisionRecord.objects.filter(operation="memory.search").values_list("trace_id", flat=True)
        assert len(set(traces)) == 2


def test_all_that_one_call_writes_names_its_trace(acme):
    memory = remember(organisation=acme.organisation, by=SYSTEM, draft=MemoryDraft("Rain lifts sales"))
    with tenant_transaction(acme.organisation):
        decision = DecisionRecord.objects.get(operation="memory.store")
        event = OutboxEvent.objects.get(subject__contains=str(memory.id))
    assert event.correlation_id == decision.correlation_id
    assert event.traceparent == f"00-{decision.trace_id}-{decision.span_id}-01"
    [root] = [span for span in TRACER.traces(decision.trace_id) if span.parent is None]
    assert (root.name, root.span_id) == ("memory.store", decision.span_id)
    assert root.tags["correlation_id"] == decision.correlation_id


def test_work_within_a_span_of_the_callers_is_part_of_it(acme):
    with TRACER.span("callers") as span:
        call_search(acme.slug)
        call_record(acme.slug)
    with tenant_transaction(acme.organisation):
        found = DecisionRecord.objects.filter(operation__in=["memory.search", "forecast"])
        assert {(each.trace_id, each.correlation_id) for each in found} == {
            (span.trace_id, span.tags["correlation_id"])
        }
        assert len(found) == 2
