"""Workflow figures in /performance/metrics and /health."""

import pytest

from liftos.kernel.functions import list_functions
from liftos.kernel.telemetry.manager import get_observability
from tests.conftest import make_caller
from tests.factories.flows import make_template, run_again, run_steps, step

pytestmark = pytest.mark.usefixtures("committed_db")


def figures(caller):
    body = caller.get("/performance/metrics").json()["data"]
    return body["orchestration"], body["summary"]


def test_what_was_run_is_counted_for_its_own_organisation(calls):
    acme, rival = make_caller("Acme"), make_caller("Rival")
    run_steps(acme.organisation, step("a"), step("b", depends_on=["a"]))
    run_steps(acme.organisation, step("ask", approval=True), name="asks", wait=0)
    run_again(acme.organisation, name="asks")
    mine, summary = figures(acme)
    theirs, _ = figures(rival)
    assert mine["total_executions"] == 2  # what waits for a person has called nothing yet
    assert mine["average_execution_time_ms"] > 0
    assert (mine["total_workflows"], mine["active_workflows"]) == (3, 2)
    assert summary["active_workflows"] == 2
    assert mine["registered_functions"] == len({each.name for each in list_functions()})
    assert mine["max_cache_size"] == 10_000
    assert (theirs["total_executions"], theirs["total_workflows"], theirs["active_workflows"]) == (0, 0, 0)


def test_executions_are_counted_by_whichever_process_carried_them_out(calls):
    """A web server that executes nothing reports the same figures."""
    acme = make_caller("Acme")
    run_steps(
        acme.organisation,
        step("one"),
        step("each", map=["a", "b", "c"], arguments={"value": "{item}"}),
        step("shaky", "test.fail", arguments={"times": 1}, backoff_seconds=0.01),
        step("broken", "test.fail", arguments={"error": "TypeError"}),
        step("after", depends_on=["broken"]),
    )
    observed = get_observability().totals("workflow.step", str(acme.organisation))
    get_observability()._functions.pop("workflow.step")
    mine, _ = figures(acme)
    # one, three items, two attempts, one that failed; what was skipped and the map itself called nothing
    assert mine["total_executions"] == 1 + 3 + 2 + 1
    assert 0 < mine["average_execution_time_ms"] < 5_000
    assert observed.failures == 2


def test_health_counts_runs_that_were_asked_for(calls):
    acme = make_caller("Acme")
    before = int(acme.get("/health").json()["dependencies"]["total_workflows"])
    make_template(acme.organisation, step("a"))
    run_again(acme.organisation)
    acme.post("/workflows/create?name=weekly", {"owner": "ops"})
    assert int(acme.get("/health").json()["dependencies"]["total_workflows"]) == before + 2
