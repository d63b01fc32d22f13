"""Every public method of the original exists, has the original's signature, and is in docs/python.md."""

import asyncio
import inspect
import re
import subprocess
import sys
import threading
import time
from uuid import UUID

import pytest

from accountability.models import DecisionRecord
from liftos import spine
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import HashingEmbedder
from liftos.kernel.errors import LiftosError
from liftos.kernel.functions import unregister
from liftos.runtime.embedded.paths import REPOSITORY
from tests.conftest import make_caller

pytestmark = pytest.mark.filterwarnings("ignore:.*async_to_sync.*")

# the original's public methods: name, whether it is a coroutine function, its parameters
ORIGINAL = {
    "EmbeddingManager": {
        "get_embedding": (True, "text model"),
        "batch_embeddings": (True, "texts model"),
        "get_cache_stats": (False, ""),
        "clear_cache": (False, ""),
    },
    "EnhancedKSEIntegration": {
        "create_conceptual_space": (True, "org_id name dimensions"),
        "add_concept_to_space": (True, "space_id concept_id concept_data"),
        "enhanced_memory_search": (True, "org_id query search_type conceptual_space limit"),
        "store_with_conceptual_mapping": (True, "org_id content metadata conceptual_space memory_type"),
        "get_performance_stats": (False, ""),
        "get_conceptual_spaces": (False, ""),
    },
    "MemoryInterface": {
        "search": (True, "org_id query"),
        "store": (True, "org_id content metadata"),
        "create_conceptual_space": (True, "org_id name dimensions"),
        "get_performance_metrics": (False, ""),
        "get_conceptual_spaces_info": (False, ""),
    },
    "LightweightTracer": {
        "start_span": (False, "operation_name parent_span_id tags level"),
        "finish_span": (False, "span error"),
        "add_span_tag": (False, "span key value"),
        "add_span_log": (False, "span message level"),
        "trace_operation": (False, "operation_name tags level"),
        "trace_async_operation": (False, "operation_name tags level"),
        "get_trace_stats": (False, ""),
        "get_recent_spans": (False, "limit"),
    },
    "MetricsCollector": {
        "record_metric": (False, "metric_name value tags metric_type"),
        "increment_counter": (False, "metric_name value tags"),
        "set_gauge": (False, "metric_name value tags"),
        "record_histogram": (False, "metric_name value tags"),
        "record_timer": (False, "metric_name duration_ms tags"),
        "time_operation": (False, "metric_name tags"),
        "get_metric_summary": (False, ""),
    },
    "AccountabilityOrchestrator": {
        "record_decision": (
            False,
            "operation decision_point reasoning inputs outputs confidence trace_id span_id",
        ),
        "get_decision_chain": (False, "operation"),
        "get_accountability_stats": (False, ""),
    },
    "ObservabilityManager": {
        "get_comprehensive_stats": (False, ""),
        "observe_operation": (False, "operation_name tags level"),
        "observe_async_operation": (False, "operation_name tags level"),
    },
    "UltraFastOrchestrator": {
        "register_function": (False, "name function"),
        "execute_function_cached": (True, "function_name args kwargs"),
        "create_workflow": (False, "name org_id metadata"),
        "add_task": (
            False,
            "workflow_id task_name function_name args kwargs dependencies priority timeout_seconds max_retries",
        ),
        "execute_workflow": (True, "workflow_id context"),
        "get_orchestration_stats": (False, ""),
        "get_workflow_status": (False, "workflow_id"),
    },
    "WorkflowOrchestrator": {
        "register_workflow_template": (False, "template_name template"),
        "create_workflow_from_template": (True, "template_name org_id parameters"),
        "execute_template_workflow": (True, "template_name org_id parameters context"),
    },
}
CONSTRUCTORS = {
    "EmbeddingManager": "cache_size cache_ttl",
    "EnhancedKSEIntegration": "embedding_manager",
    "MemoryInterface": "enhanced_kse",
    "LightweightTracer": "service_name max_spans sampling_rate min_trace_level",
    "MetricsCollector": "service_name max_metrics aggregation_interval",
    "AccountabilityOrchestrator": "org_id max_events",
    "ObservabilityManager": "service_name org_id",
    "UltraFastOrchestrator": "max_workers cache_size cache_ttl observability",
    "WorkflowOrchestrator": "ultra_fast_orchestrator",
}
METHODS = [(of, name, *how) for of, methods in ORIGINAL.items() for name, how in methods.items()]


def parameters_of(function):
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [each.name for each in inspect.signature(function).parameters.values() if each.kind is positional]


@pytest.fixture
def acme(committed_db):
    return make_caller("Acme")


@pytest.fixture
def registered():
    """Takes back what a test registers."""
    names = []
    yield names.append
    for name in names:
        unregister(name)


@pytest.mark.parametrize(("of", "name", "is_async", "parameters"), METHODS)
def test_a_method_takes_what_the_originals_takes(of, name, is_async, parameters):
    method = getattr(getattr(spine, of), name)
    assert inspect.iscoroutinefunction(method) is is_async
    wanted = parameters.split()
    assert parameters_of(method)[1 : len(wanted) + 1] == wanted


@pytest.mark.parametrize(("of", "parameters"), CONSTRUCTORS.items())
def test_a_constructor_takes_what_the_originals_takes(of, parameters):
    wanted = parameters.split()
    assert parameters_of(getattr(spine, of))[: len(wanted)] == wanted


def test_the_page_lists_each_method_as_it_is():
    page = (REPOSITORY / "docs" / "python.md").read_text()
    rows = re.findall(r"^\| (\w+) \| `(\w+)` \| (\w[\w ]*) \|", page, re.MULTILINE)
    assert [row[:2] for row in rows] == [(of, name) for of, name, *_ in METHODS]
    for of, name, state in rows:
        assert state in {"kept", "left out"}
        assert hasattr(getattr(spine, of), name) is (state == "kept")


def test_the_names_import_in_a_plain_process(tmp_path, monkeypatch):
    for variable in ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    program = (
        f"from liftos.spine import {', '.join(spine.__all__)}; print(EmbeddingManager(7).get_cache_stats())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "'max_cache_size': 7" in done.stdout


def test_without_a_database_one_line_says_what_to_start(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")
    program = "from liftos.spine import AccountabilityOrchestrator as A; A('acme').record_decision('a', 'b')"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (
        "NoDatabase: The database is not running: start `python manage.py up`" in done.stderr.splitlines()[-1]
    )


def test_under_another_projects_settings_one_line_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "elsewhere.py").write_text("SECRET_KEY = 'x'\nINSTALLED_APPS = []\n")
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "elsewhere")
    monkeypatch.setenv("PYTHONPATH", f"{REPOSITORY}:{tmp_path}")
    done = subprocess.run(
        [sys.executable, "-c", "from liftos.spine import MemoryInterface"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "DJANGO_SETTINGS_MODULE=liftos.settings" in done.stderr.splitlines()[-1]


def test_embeddings_by_the_originals_names():
    manager = spine.EmbeddingManager(10, 60, HashingEmbedder(dimension=64))

    async def use():
        one = await manager.get_embedding("a")
        many = await manager.batch_embeddings(["b", "a", "b"], "default")
        return one, many

    one, many = asyncio.run(use())
    assert [row.shape for row in many] == [(64,)] * 3
    assert (one == many[1]).all()
    assert (many[0] == many[2]).all()
    stats = manager.get_cache_stats()
    assert (stats["total_operations"], stats["cache_size"], stats["max_cache_size"]) == (4, 2, 10)
    manager.clear_cache()
    assert manager.get_cache_stats()["cache_size"] == 0
    with pytest.raises(ValueError, match="gpt"):
        asyncio.run(manager.get_embedding("a", "gpt"))


def test_memory_by_the_originals_names(acme):
    kse = spine.EnhancedKSEIntegration(embedding_manager=spine.EmbeddingManager())
    interface = spine.MemoryInterface(enhanced_kse=kse)
    for org_id in (acme.slug, str(acme.organisation)):
        assert asyncio.run(interface.search(org_id, "rain")) == []

    async def use():
        space = await kse.create_conceptual_space(acme.slug, "brand", ["price", "quality"])
        inside = await kse.store_with_conceptual_mapping(acme.slug, "A cheap offer", {"a": 1}, space, "note")
        await interface.store(acme.slug, "A dear offer", {})
        found = await kse.enhanced_memory_search(acme.slug, "offer", "hybrid", space, 5)
        assert [hit["id"] for hit in found] == [inside]
        assert found[0]["metadata"] == {"a": 1}
        assert await kse.add_concept_to_space(space, "bargain", {"prototype": {"price": 0.1}})
        assert await kse.add_concept_to_space(space, "luxury", {"description": "the best there is"})
        assert not await kse.add_concept_to_space(f"space_{acme.slug}_00000000", "x", {})
        with pytest.raises(ValueError, match="colour"):
            await kse.add_concept_to_space(space, "x", {"colour": "red"})
        with pytest.raises(ValueError, match="org_id"):
            await kse.add_concept_to_space(str(UUID(int=7)), "x", {})
        return space

    space = asyncio.run(use())
    shown = kse.get_conceptual_spaces()
    assert shown == acme.get("/conceptual-spaces").json()["data"]["conceptual_spaces"]
    assert shown == interface.get_conceptual_spaces_info(acme.slug)
    [(name, found)] = shown.items()
    assert name.startswith(f"space_{acme.slug}_")
    assert (found["concepts_count"], found["name"]) == (2, "brand")
    # the id that the old platform's routes give it is as good
    assert asyncio.run(
        spine.EnhancedKSEIntegration().add_concept_to_space(name, "third", {"description": "x"})
    )
    assert list(interface.get_performance_metrics()) == [
        "total_operations", "successful_operations", "success_rate", "average_operation_time_ms", "recent_average_time_ms",
        "conceptual_spaces_count", "embedding_cache_stats",
    ]  # fmt: skip
    assert interface.get_performance_metrics()["conceptual_spaces_count"] == 1
    assert space


def test_nothing_is_stored_where_the_space_is_unknown(acme):
    kse = spine.EnhancedKSEIntegration()
    with pytest.raises(LiftosError):
        kse.store(acme.slug, "A cheap offer", conceptual_space="nobodys")
    assert acme.search("offer") == []


def test_decisions_by_the_originals_positions(acme):
    accountability = spine.AccountabilityOrchestrator(acme.slug, 1_000)
    decision = accountability.record_decision(
        "budget", "split", "the forecast", {"season": "winter"}, {"tv": 0.3}, 0.8, "a" * 32, "b" * 16
    )
    shown = acme.get(f"/api/v1/decisions/{decision}").json()
    assert (shown["operation"], shown["decision_point"], shown["reasoning"]) == ("budget", "split", "the forecast")  # fmt: skip
    assert (shown["inputs"], shown["outputs"], shown["confidence"]) == (
        {"season": "winter"},
        {"tv": 0.3},
        0.8,
    )
    assert (shown["trace_id"], shown["span_id"]) == ("a" * 32, "b" * 16)
    short = accountability.record_decision("budget", "the season", confidence=0.6)
    named = accountability.record_decision(operation="budget", reasoning="by name", inputs={})
    chain = accountability.get_decision_chain("budget")
    assert [each["event_id"] for each in chain] == [decision, short, named]
    assert [each["decision_point"] for each in chain] == ["split", "budget", "budget"]
    assert [each["reasoning"] for each in chain] == ["the forecast", "the season", "by name"]
    stats = accountability.get_accountability_stats()
    with tenant_transaction(acme.organisation):
        assert (
            stats["total_events"] == DecisionRecord.objects.filter(organisation_id=acme.organisation).count()
        )
    assert stats["operations_count"]["budget"] == 3
    for wrong in (
        {"confidence": 7.5},
        {"confidence": -0.1},
        {"trace_id": "'; --"},
        {"span_id": "xyz"},
        {"reasoning": ""},
    ):
        with pytest.raises(LiftosError):
            accountability.record_decision("budget", "p", **({"reasoning": "r"} | wrong))
    assert len(accountability.get_decision_chain("budget")) == 3


def test_tracing_by_the_originals_names():
    tracer = spine.LightweightTracer("memory", 100, 1.0, spine.TraceLevel.INFO)
    outer = tracer.start_span("outer", tags={"a": 1})
    inner = tracer.start_span("inner")
    side = tracer.start_span("side", parent_span_id=outer.span_id)
    tracer.add_span_tag(inner, "b", 2)
    tracer.add_span_log(inner, "noted")
    for span, error in ((side, None), (inner, "it broke"), (outer, None)):
        tracer.finish_span(span, error)
    assert tracer.start_span("quiet", level=spine.TraceLevel.DEBUG) is None
    tracer.finish_span(None)
    assert {span.trace_id for span in (outer, inner, side)} == {outer.trace_id}
    assert (inner.parent_id, side.parent_id) == (outer.span_id, outer.span_id)
    with pytest.raises(ValueError, match="no open span"):
        tracer.start_span("late", parent_span_id=outer.span_id)

    async def traced():
        async with tracer.trace_async_operation("loop", {"c": 3}) as span:
            return span

    asyncio.run(traced())
    with pytest.raises(LookupError), tracer.trace_operation("block"):
        raise LookupError("gone")
    shown = tracer.get_recent_spans(5)
    assert [(each["operation_name"], each["status"], each["error"]) for each in shown] == [
        ("side", "completed", None), ("inner", "error", "it broke"), ("outer", "completed", None),
        ("loop", "completed", None), ("block", "error", "gone"),
    ]  # fmt: skip
    assert shown[1]["tags"] == {"b": 2}
    stats = tracer.get_trace_stats()
    assert (stats["active_spans"], stats["completed_spans"]) == (0, 5)


def test_metrics_by_the_originals_names():
    metrics = spine.MetricsCollector("memory", 5_000, 60)
    metrics.increment_counter("c", 2, {"value": "odd"})
    metrics.increment_counter("c")
    metrics.set_gauge("g", 7)
    metrics.record_metric("g2", 8)
    metrics.record_histogram("h", 1.5)
    metrics.record_timer("t", 12.5)
    with metrics.time_operation("t2", {"name": "x"}):
        pass
    summary = metrics.get_metric_summary()
    assert summary["counters"] == {"c": 3}
    assert summary["gauges"] == {"g": 7, "g2": 8}
    assert summary["histograms"]["h"]["max"] == 1.5
    assert summary["timers"]["t"]["mean_ms"] == 12.5
    assert summary["timers"]["t2"]["count"] == 1
    with pytest.raises(ValueError, match="sum"):
        metrics.record_metric("x", 1, metric_type="sum")


def test_observability_by_the_originals_names(acme):
    observability = spine.ObservabilityManager("memory", acme.slug)
    with observability.observe_operation("search", {"query": 1}, spine.TraceLevel.INFO) as span:
        assert span.tags["query"] == 1
    with observability.observe_operation("search", spine.TraceLevel.DEBUG, query=2) as span:
        assert not span.recording
    observability.accountability.record_decision("search", "choose", "it was nearest", {}, {}, 0.9)
    stats = observability.get_comprehensive_stats()
    assert stats["metrics"]["counters"] == {"search.success": 2}
    assert stats["accountability"]["operations_count"]["search"] == 1
    assert (observability.service_name, observability.org_id) == ("memory", acme.slug)


def test_functions_by_the_originals_names(acme, registered):
    calls = []

    def double(number: int, times: int = 2) -> int:
        calls.append(number)
        return number * times

    orchestrator = spine.UltraFastOrchestrator(4, 100, 60.0, spine.ObservabilityManager("memory", acme.slug))
    registered("test.double")
    orchestrator.register_function("test.double", double)
    run = orchestrator.execute_function_cached
    assert asyncio.run(run("test.double", (4,))) == 8
    assert asyncio.run(run("test.double", (4,), {"times": 3})) == 12
    assert asyncio.run(run("test.double", (4,))) == 8
    assert calls == [4, 4, 4]  # what may have effects is never cached
    orchestrator.register_function("test.double", double, cacheable=True)
    assert [asyncio.run(run("test.double", kwargs={"number": 5})) for _ in range(3)] == [10] * 3
    assert calls.count(5) == 1
    with pytest.raises(TypeError, match="multiple values"):
        asyncio.run(run("test.double", (4,), {"number": 4}))
    with pytest.raises(TypeError, match="2 arguments"):
        asyncio.run(run("test.double", (1, 2, 3)))
    with pytest.raises(LiftosError):
        asyncio.run(run("test.nothing"))
    stats = orchestrator.get_orchestration_stats()
    assert (stats["cache_hits"], stats["max_cache_size"]) == (2, 100)
    orchestrator.close()


def test_a_workflow_is_built_task_by_task(acme, registered):
    def add(a: int, b: int, context: dict | None = None) -> dict:
        return {"sum": a + b, "note": (context or {}).get("note"), "text": "{not a reference}"}

    def fail(text: str) -> str:
        raise TypeError(text)

    orchestrator = spine.UltraFastOrchestrator(max_workers=2)
    for name, function in (("test.add", add), ("test.fail", fail)):
        registered(name)
        orchestrator.register_function(name, function)
    workflow = orchestrator.create_workflow("sums", acme.slug, {"owner": "ops"})
    assert workflow.startswith(f"wf_{acme.slug}_")
    first = orchestrator.add_task(workflow, "same name", "test.add", (1,), {"b": 2})
    second = orchestrator.add_task(
        workflow, "same name", "test.add", (3, 4), dependencies=[first], priority=spine.TaskPriority.HIGH
    )
    broken = orchestrator.add_task(workflow, "broken", "test.fail", ("{braces} stay",), max_retries=0)
    before = orchestrator.get_workflow_status(workflow)
    assert (before["status"], list(before["tasks"])) == ("pending", [first, second, broken])
    with pytest.raises(ValueError, match="unknown task"):
        orchestrator.add_task(workflow, "x", "test.add", (1, 2), dependencies=["task_nobodys"])
    with pytest.raises(LiftosError):
        orchestrator.add_task(workflow, "x", "test.nothing")
    done = asyncio.run(orchestrator.execute_workflow(workflow, {"note": "hello"}))
    assert (done["workflow_id"], done["status"], done["tasks_executed"]) == (workflow, "failed", 2)
    assert {task: result["sum"] for task, result in done["task_results"].items()} == {first: 3, second: 7}
    assert done["task_results"][first]["note"] == "hello"
    after = orchestrator.get_workflow_status(workflow)
    assert {task: each["status"] for task, each in after["tasks"].items()} == {
        first: "completed", second: "completed", broken: "failed",
    }  # fmt: skip
    assert "{braces} stay" in after["tasks"][broken]["error"]
    assert after["metadata"]["owner"] == "ops"
    with pytest.raises(ValueError, match="executed"):
        asyncio.run(orchestrator.execute_workflow(workflow))
    with pytest.raises(LiftosError):
        orchestrator.get_workflow_status("wf_nobodys_0")
    orchestrator.close()


@pytest.mark.parametrize("workers", [1, 3])
def test_a_run_keeps_to_the_workers_of_its_orchestrator(acme, registered, workers):
    at_once, most, lock = 0, 0, threading.Lock()

    def wait(number: int) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.15)
        with lock:
            at_once -= 1
        return number

    registered("test.wait")
    fast = spine.UltraFastOrchestrator(max_workers=workers)
    fast.register_function("test.wait", wait)
    orchestrator = spine.WorkflowOrchestrator(fast)
    steps = [{"name": f"s{n}", "function": "test.wait", "arguments": {"number": n}} for n in range(6)]
    orchestrator.register_workflow_template("waits", {"name": "waits", "steps": steps})
    done = asyncio.run(orchestrator.execute_template_workflow("waits", acme.slug))
    assert done["status"] == "completed"
    assert done["results"] == {f"s{n}": n for n in range(6)}
    assert most == workers
    fast.close()


def test_a_workflow_from_a_template_is_there_for_the_route(acme):
    orchestrator = spine.WorkflowOrchestrator(spine.UltraFastOrchestrator())
    step = {"name": "find", "function": "memory.search", "arguments": {"query": "{query}", "limit": 1}}
    parameters = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
    orchestrator.register_workflow_template(
        "a", {"name": "finding", "parameters": parameters, "steps": [step]}
    )
    workflow = asyncio.run(orchestrator.create_workflow_from_template("a", acme.slug, {"query": "x"}))
    shown = acme.get(f"/workflows/{workflow}/status").json()["data"]
    assert (shown["workflow_id"], shown["name"], shown["status"]) == (workflow, "finding", "running")
    with pytest.raises(LiftosError, match="query"):
        asyncio.run(orchestrator.create_workflow_from_template("a", acme.slug))
