"""Operations that only the service may record."""

import ast
from pathlib import Path

import pytest

from liftos.kernel.reserved_operations import reserved_namespace
from liftos.spine import AccountabilityOrchestrator

ROOT = Path(__file__).parents[3]
APPS = ("accountability", "memory", "spaces", "workflows", "liftos")
NOT_THE_SERVICES = ("liftos/bench/", "liftos/sample/", "liftos/spine.py")
OWN = [
    "memory.search", "memory.store", "api_key.create", "workflow.run", "admin.change", "organisation.create", "space.create",
    "decision.review", "review.policy", "calibration.fit", "memory.anything",
]  # fmt: skip
ALIKE = [
    "Memory.Search", "memory.search ", " memory.search", "MEMORY.SEARCH", "\uff4d\uff45\uff4d\uff4f\uff52\uff59\uff0e\uff53\uff45\uff41\uff52\uff43\uff48", "m\u0435m\u043er\u0443.search",
    "mem\u200bory.search", "\ufeffmemory.search", "m\u00e9mory.search", "memory .search", "memory\u2024search", ".memory.search",
    "memory:search", "api-key.create", "\u0430dmin.change", "revi\u0435w.policy",
]  # fmt: skip
CALLERS = [
    "agent.choose",
    "agent.memory.search",
    "memory",
    "memory_search",
    "memories.pick",
    "budget.move",
    "reviewer.pick",
    "\u0432\u044b\u0431\u043e\u0440",
    "o",
]


def written_operations():
    """Every operation that our own code names: `operation="…"`, and the dotted names handed to `_record`."""
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            place = path.relative_to(ROOT).as_posix()
            if place.startswith(NOT_THE_SERVICES) or "/migrations/" in place:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if not isinstance(node, ast.Call):
                    continue
                named = [each.value for each in node.keywords if each.arg == "operation"]
                called = getattr(node.func, "id", getattr(node.func, "attr", ""))
                named += [*node.args] if called in {"_record", "_to"} else []
                yield from (
                    (place, each.value)
                    for each in named
                    if isinstance(each, ast.Constant)
                    and isinstance(each.value, str)
                    and "." in each.value.split(" ")[0]
                    and " " not in each.value
                )


def test_every_operation_of_ours_is_reserved():
    written = set(written_operations())
    assert len(written) > 30
    assert [each for each in sorted(written) if reserved_namespace(each[1]) is None] == []


@pytest.mark.parametrize("name", [*OWN, *ALIKE])
@pytest.mark.parametrize("field", ["operation", "decision_point"])
def test_a_caller_can_not_record_what_passes_for_our_own(acme, field, name):
    before = acme.get("/api/v1/decisions").json()["results"]
    body = {"operation": "agent.choose", "reasoning": "r"} | {field: name}
    answer = acme.post("/api/v1/decisions", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "accountability.reserved_operation")
    assert answer.json()["errors"][0]["loc"] == ["body", field]
    assert "use a prefix of your own" in answer.json()["detail"]
    assert acme.get("/api/v1/decisions").json()["results"] == before


@pytest.mark.parametrize("name", CALLERS)
def test_names_of_callers_stay_theirs(acme, name):
    assert reserved_namespace(name) is None
    answer = acme.post("/api/v1/decisions", {"operation": name, "decision_point": name, "reasoning": "r"})
    assert answer.status_code == 201


def test_python_can_not_either(acme):
    with pytest.raises(Exception, match="reserved for the service"):
        AccountabilityOrchestrator(acme.slug).record_decision("memory.search", "r")
