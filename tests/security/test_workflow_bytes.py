"""Memory use at maximal limits: references, maps and results are measured before they are built."""

import tracemalloc

import pytest

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.functions import register, unregister
from tests.factories.flows import make_template, registered_functions, run_again, run_steps, step, steps_of
from workflows.engine import runs

BIG = "x" * 400_000
PARAMETERS = {"type": "object", "properties": {"p": {}, "q": {}}}
MEGABYTE = 1024 * 1024


@pytest.fixture(autouse=True)
def calls():
    with registered_functions() as made:
        yield made


def grown(work):
    """Return a function's result and Python's peak memory above the start."""
    tracemalloc.start()
    try:
        begun = tracemalloc.get_traced_memory()[0]
        return work(), tracemalloc.get_traced_memory()[1] - begun
    finally:
        tracemalloc.stop()


QUOTING = {
    "within a text": ("arguments", {"arguments": {"value": "{p}" * 400}}),
    "in a list": ("arguments", {"arguments": {"value": ["{p}"] * 400}}),
    "in objects": ("arguments", {"arguments": {"value": [{"a": {"b": "so {p}"}}] * 400}}),
    "of a map": ("map", {"map": ["{p}"] * 400, "arguments": {"value": 1}}),
    "of a condition": ("when", {"when": {"q": {"$in": ["{p}"] * 400}}}),
    "of a condition's text": ("when", {"when": {"q": "{p}" * 400}}),
}


@pytest.mark.parametrize("name", QUOTING)
def test_a_large_parameter_quoted_often_fails_its_step_by_name(organisation, calls, name):
    field, fields = QUOTING[name]
    make_template(organisation, step("often", **fields), parameters=PARAMETERS)
    run, more = grown(lambda: run_again(organisation, given={"p": BIG, "q": 1}))
    row = steps_of(run)["often"]
    assert (run.status, row.status, row.attempt) == ("failed", "failed", 1)
    assert (row.error["type"], row.error["code"]) == ("TooLarge", "workflows.too_large")
    assert row.error["loc"] == ["often", field]
    assert "often" in row.error["message"]
    assert "LIFTOS_WORKFLOW_RESULT_BYTES" in row.error["message"]
    assert calls == []
    assert more < 24 * MEGABYTE


def test_arguments_within_the_limit_run(organisation, calls):
    run = run_steps(
        organisation,
        step("s", arguments={"value": ["{p}", "and {p}"]}),
        parameters=PARAMETERS,
        given={"p": BIG},
    )
    assert (run.status, calls) == ("completed", [[BIG, f"and {BIG}"]])


@pytest.mark.parametrize("quoted", [1, 3])
def test_each_item_that_quotes_too_much_fails_by_name(organisation, calls, settings, quoted):
    settings.LIFTOS_WORKFLOW_RESULT_BYTES = 100_000
    given = {"p": "x" * 40_000}
    arguments = {"value": None, "note": "{p}" * quoted} if quoted == 1 else {"value": "{item}{p}{p}{p}"}
    make_template(organisation, step("m", map=[1, 2], arguments={"value": arguments}), parameters=PARAMETERS)
    run = run_again(organisation, given=given)
    if quoted == 1:
        assert run.status == "completed"
        return
    row = steps_of(run)["m"]
    assert row.status == "failed"
    assert {each["code"] for each in row.error["items"].values()} == {"workflows.too_large"}


def map_of_five(organisation):
    return run_steps(
        organisation,
        step("m", map=list(range(5)), map_limit=1, arguments={"value": ["{item}", "{p}"]}),
        step("after", depends_on=["m"]),
        parameters=PARAMETERS,
        given={"p": "x" * 30_000},
    )


def test_no_more_results_of_items_are_kept_than_their_step_may_have(organisation, calls, settings):
    settings.LIFTOS_WORKFLOW_RESULT_BYTES = 100_000
    run = map_of_five(organisation)
    steps = steps_of(run)
    assert (run.status, steps["m"].status, steps["after"].status) == ("failed", "failed", "skipped")
    assert [steps[f"m.{number}"].status for number in range(5)] == ["done"] * 3 + ["failed"] * 2
    assert {each["code"] for each in steps["m"].error["items"].values()} == {"workflows.too_large"}
    assert "step m" in steps["m.3"].error["message"]
    assert "LIFTOS_WORKFLOW_RESULT_BYTES" in steps["m.3"].error["message"]


def test_items_of_several_workers_that_are_too_much_together_fail_their_step_once(
    organisation, calls, settings, monkeypatch
):
    # each worker counts its own
    monkeypatch.setattr(runs.RunInfo, "require_room", lambda *_: None)
    settings.LIFTOS_WORKFLOW_RESULT_BYTES = 100_000
    run = map_of_five(organisation)
    steps = steps_of(run)
    row = steps["m"]
    assert (run.status, row.status, row.result) == ("failed", "failed", None)
    assert row.error["code"] == "workflows.too_large"
    assert "5 items" in row.error["message"]
    assert "LIFTOS_WORKFLOW_RESULT_BYTES" in row.error["message"]
    assert steps["after"].status == "skipped"
    assert [steps[f"m.{number}"].status for number in range(5)] == ["done"] * 5
    assert len(calls) == 5


def test_a_result_that_is_too_large_fails_its_step(organisation, calls, settings):
    settings.LIFTOS_WORKFLOW_RESULT_BYTES = 100
    register("test.long", outside=True)(lambda length: "x" * length)
    try:
        run = run_steps(
            organisation,
            step("most", "test.long", arguments={"length": 98}),
            step("more", "test.long", arguments={"length": 99}),
        )
    finally:
        unregister("test.long")
    steps = steps_of(run)
    assert (steps["most"].status, steps["more"].status) == ("done", "failed")
    assert steps["more"].error["code"] == "workflows.too_large"
    assert "101 bytes" in steps["more"].error["message"]


def test_results_are_not_read_where_they_are_too_much_together(organisation, calls, settings):
    settings.LIFTOS_WORKFLOW_RESULT_BYTES = 50_000
    names = [f"s{number}" for number in range(6)]
    few, all_of = (
        [f"{{steps.{name}.result.0}}" for name in names[:4]],
        [f"{{steps.{name}.result.0}}" for name in names],
    )
    run = run_steps(
        organisation,
        *[step(name, arguments={"value": [1, "{p}"]}) for name in names],
        step("few", depends_on=names, arguments={"value": few}),
        step("all", depends_on=names, arguments={"value": all_of}),
        parameters=PARAMETERS,
        given={"p": "x" * 40_000},
    )
    steps = steps_of(run)
    assert steps["few"].result == [1] * 4
    assert steps["all"].error["code"] == "workflows.too_large"
    assert "step all" in steps["all"].error["message"]


def test_a_worker_keeps_no_more_results_than_a_step_may_read(organisation, calls, settings):
    settings.LIFTOS_WORKFLOW_RESULT_BYTES = 50_000
    run = run_steps(organisation, step("s"))
    info = runs.load_run(organisation=organisation, run=run.id)
    for number in range(20):
        info.remember(f"s{number}", number, 40_000)
        assert info.held <= runs.most_read()
        assert len(info.results) * 40_000 == info.held
    assert 19 in info.results.values()


def test_twice_the_items_cost_twice_the_statements(organisation, calls, monkeypatch):
    counts = []
    for number in (10, 20):
        make_template(
            organisation,
            step("m", map=list(range(number)), arguments={"value": "{item}"}),
            name=f"flow{number}",
        )
        with tenant_transaction(organisation):
            before = _noted()
        assert run_again(organisation, name=f"flow{number}").status == "completed"
        with tenant_transaction(organisation):
            counts.append(_noted() - before)
    assert counts[1] <= 2 * counts[0]


def _noted():
    row = raw_cursor().execute("SELECT count(*) FROM workflows_transition").fetchone()
    assert row is not None
    return row[0]
