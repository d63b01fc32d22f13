"""The original's Python names, and the three code blocks of its document, verbatim."""

import asyncio
import threading
import time

import pytest

from liftos.kernel.embedding import HashingEmbedder, MiniLmEmbedder
from liftos.kernel.errors import LiftosError
from liftos.kernel.functions import unregister
from liftos.spine import (
    AccountabilityOrchestrator,
    EmbeddingManager,
    EnhancedKSEIntegration,
    LightweightTracer,
    MemoryInterface,
    MetricsCollector,
    ObservabilityManager,
    UltraFastOrchestrator,
    WorkflowOrchestrator,
)
from tests.conftest import make_caller

pytestmark = pytest.mark.filterwarnings("ignore:.*async_to_sync.*")


@pytest.fixture
def acme(committed_db):
    return make_caller("Acme")


def test_the_three_blocks_run_as_they_are_printed(acme):
    acme.store("Holiday campaign raised conversions")
    org_id, query, search_type, space_id = acme.slug, "holiday conversions", "hybrid", None

    # MMM Spine Integration Components
    embedding_manager = EmbeddingManager(cache_size=10000, cache_ttl=3600)
    enhanced_kse = EnhancedKSEIntegration(embedding_manager)
    memory_interface = MemoryInterface(enhanced_kse)
    observability = ObservabilityManager("memory", "default_org")
    orchestrator = UltraFastOrchestrator(max_workers=10, observability=observability)

    async def second_block():
        async with observability.observe_async_operation("memory_search") as span:
            results = await memory_interface.search(
                org_id=org_id, query=query, search_type=search_type, conceptual_space=space_id
            )
            span.set_tag("results", len(results))
        return results

    [found] = asyncio.run(second_block())
    assert found["content"] == "Holiday campaign raised conversions"
    counters = observability.metrics.summary()["counters"]
    assert counters["memory_search.success"] == 1

    workflow_orchestrator = WorkflowOrchestrator(orchestrator)
    workflow_orchestrator.register_workflow_template(
        "enhanced_search",
        {
            "name": "enhanced_search_workflow",
            "tasks": [
                {
                    "name": "search_memory",
                    "function": "enhanced_search",
                    "priority": 2,
                    "timeout_seconds": 30.0,
                }
            ],
        },
    )
    for _ in range(2):
        run = workflow_orchestrator.execute_workflow(org_id, "enhanced_search", {"query": query, "limit": 3})
        assert run["status"] == "completed"
    [hit] = run["results"]["search_memory"]["results"]
    assert hit["content"] == "Holiday campaign raised conversions"
    orchestrator.close()


def test_search_and_storage_go_through_the_given_manager(acme):
    manager = EmbeddingManager(cache_size=100, cache_ttl=3600, embedder=MiniLmEmbedder())
    kse = EnhancedKSEIntegration(manager)
    memory = kse.store(acme.slug, "Rain lifts sales of boots", {"channel": "retail"}, "insight")
    assert acme.get(f"/api/v1/memories/{memory}").json()["memory_type"] == "insight"
    for _ in range(2):
        assert [hit["id"] for hit in kse.search(acme.slug, "wet weather and shoes", "neural")] == [memory]
    stats = manager.stats()
    assert (stats["cache_misses"], stats["cache_hits"]) == (2, 1)
    assert kse.search(acme.slug, "rain", memory_type="note") == []
    with pytest.raises(ValueError, match="fuzzy"):
        kse.search(acme.slug, "rain", "fuzzy")
    with pytest.raises(LiftosError):
        kse.search("nobody", "rain")


def test_a_manager_of_another_model_does_not_answer_for_the_organisations(acme):
    other = EmbeddingManager(embedder=HashingEmbedder(dimension=64))
    kse = EnhancedKSEIntegration(other)
    memory = kse.store(acme.slug, "Rain lifts sales of boots")
    assert [hit["id"] for hit in kse.search(acme.slug, "wet weather", "neural")] == [memory]
    assert other.stats()["total_operations"] == 0


def test_a_space_by_name_and_the_metrics(acme):
    interface = MemoryInterface(EnhancedKSEIntegration(EmbeddingManager()))

    async def use():
        space = await interface.create_conceptual_space(acme.slug, "brand", ["price", "quality"])
        stored = await interface.store(acme.slug, "A cheap offer", {"a": 1})
        inside = await interface.search(acme.slug, "cheap", "conceptual", conceptual_space=space)
        return stored, inside

    stored, inside = asyncio.run(use())
    assert stored
    assert inside == []  # nothing was made a member
    metrics = interface.get_performance_metrics()
    assert metrics["total_operations"] >= 2
    assert set(metrics["embedding_cache_stats"]) >= {"cache_size", "hit_rate", "cache_utilization"}


def test_never_more_than_the_workers_at_once_and_results_in_order(acme):
    at_once, most, lock, two = 0, 0, threading.Lock(), threading.Event()

    def double(number: int) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
            if at_once == 2:
                two.set()
        two.wait(20)
        time.sleep(0.01)
        with lock:
            at_once -= 1
        return 2 * number

    orchestrator = UltraFastOrchestrator(max_workers=10)
    orchestrator.register_function("test.double", double)
    try:
        assert "test.double" in orchestrator.registered_functions()
        asked = [{"number": number} for number in range(60)]
        assert orchestrator.execute_many(acme.slug, "test.double", asked) == [2 * n for n in range(60)]
        assert 1 < most <= 10
        with pytest.raises(LiftosError):
            orchestrator.execute(acme.slug, "test.double", {"number": "many"})
    finally:
        unregister("test.double")
        orchestrator.close()


def test_templates_are_listed_replaced_and_removed(acme):
    orchestrator = WorkflowOrchestrator()
    step = {"name": "find", "function": "memory.search", "arguments": {"query": "{query}", "limit": 1}}
    parameters = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
    first = {"name": "finding", "parameters": parameters, "steps": [step]}
    orchestrator.register_workflow_template("a", first)
    assert orchestrator.execute_workflow(acme.slug, "a", {"query": "x"})["status"] == "completed"
    changed = first | {"steps": [step | {"name": "look"}]}
    orchestrator.register_workflow_template("a", changed)
    assert list(orchestrator.execute_workflow(acme.slug, "a", {"query": "x"})["results"]) == ["look"]
    with pytest.raises(LiftosError, match="query"):
        orchestrator.execute_workflow(acme.slug, "a", {})
    assert orchestrator.list_workflow_templates() == ["a"]
    orchestrator.remove_workflow_template("a")
    with pytest.raises(KeyError):
        orchestrator.execute_workflow(acme.slug, "a", {"query": "x"})


def test_decisions_go_on_record_with_their_chain(acme):
    accountability = AccountabilityOrchestrator(acme.slug)
    first = accountability.record_decision("forecast", "the season", confidence=0.7)
    second = accountability.record_decision("budget", "the forecast", parents=[first])
    chain = accountability.get_decision_chain(second)
    assert [(each["distance"], each["reasoning"]) for each in chain] == [(-1, "the season"), (0, "the forecast")]  # fmt: skip
    assert acme.get(f"/api/v1/decisions/{second}").json()["parents"] == [first]
    with pytest.raises((LiftosError, ValueError)):
        accountability.record_decision("forecast", "too sure", confidence=7.5)


def test_the_rest_is_the_very_thing():
    from liftos.kernel.telemetry import manager
    from liftos.kernel.telemetry.metrics import collector
    from liftos.kernel.telemetry.tracing import tracer

    assert issubclass(ObservabilityManager, manager.ObservabilityManager)
    assert issubclass(LightweightTracer, tracer.LightweightTracer)
    assert issubclass(MetricsCollector, collector.MetricsCollector)
