"""Runs in the caller's thread: order, results, conditions, maps, failures."""

import pytest

from accountability.queries import list_decisions
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import register, unregister
from liftos.kernel.tenancy.types import SYSTEM
from tests.factories.flows import (
    history,
    make_template,
    run_again,
    run_steps,
    statuses,
    step,
    steps_of,
)
from workflows.definition import Faulty
from workflows.models import Run
from workflows.publishing.templates import publish, save_draft


def test_a_chain_runs_in_order_and_hands_results_on(organisation, calls):
    run = run_steps(
        organisation,
        step("c", arguments={"value": "{steps.b.result.more.0}"}, depends_on=["b"]),
        step("a", arguments={"value": {"n": "{limit}"}}),
        step(
            "b",
            arguments={"value": {"more": ["{steps.a.result.n}", "n is {steps.a.result.n}"]}},
            depends_on=["a"],
        ),
        parameters={"type": "object", "properties": {"limit": {"type": "integer", "default": 10}}},
    )
    assert (run.status, run.open_steps) == ("completed", 0)
    assert calls == [{"n": 10}, {"more": [10, "n is 10"]}, 10]
    assert steps_of(run)["c"].result == 10
    assert run.finished_at >= run.started_at


def test_every_change_is_history_and_every_end_on_record(organisation, calls):
    run = run_steps(organisation, step("a"), step("b", depends_on=["a"]))
    assert history(run) == [("", "running"), ("running", "completed")]
    assert history(run, "b") == [("waiting", "ready"), ("ready", "running"), ("running", "done")]
    with tenant_transaction(organisation):
        decisions = list_decisions(organisation=organisation, limit=10, subject_id=str(run.id))
    assert [each.operation for each in decisions] == [
        "workflow.end",
        "workflow.step",
        "workflow.step",
        "workflow.run",
    ]
    assert all(each.parents == [run.decision_id] for each in decisions[:3])
    assert {steps_of(run)[name].decision_id for name in "ab"} == {each.id for each in decisions[1:3]}


def test_a_diamond(organisation, calls):
    run = run_steps(
        organisation,
        step("a"),
        step("b", depends_on=["a"]),
        step("c", depends_on=["a"]),
        step("d", depends_on=["b", "c"], arguments={"value": ["{steps.b.result}", "{steps.c.result}"]}),
    )
    assert run.status == "completed"
    assert (calls[0], calls[-1], sorted(calls[1:3])) == ("a", ["b", "c"], ["b", "c"])


def test_the_most_urgent_goes_first(organisation, calls):
    names = {"low": 4, "critical": 1, "normal": 3, "background": 5, "high": 2}
    run_steps(organisation, *[step(name, priority=priority) for name, priority in names.items()])
    assert calls == ["critical", "high", "normal", "low", "background"]


def test_a_waiting_child_does_not_go_before_somebody_more_urgent(organisation, calls):
    run_steps(
        organisation,
        step("first", priority=1),
        step("child", priority=5, depends_on=["first"]),
        step("other", priority=2),
    )
    assert calls == ["first", "other", "child"]


def test_conditions_skip_and_children_see_null(organisation, calls):
    run = run_steps(
        organisation,
        step("count", arguments={"value": {"n": 0}}),
        step("act", depends_on=["count"], when={"steps.count.result.n": {"$gt": 0}}),
        step("after", depends_on=["act"], arguments={"value": ["{steps.act.result}"]}),
    )
    assert run.status == "completed"
    assert statuses(run) == {"count": "done", "act": "skipped", "after": "done"}
    assert calls == [{"n": 0}, [None]]


def test_partial_failure_keeps_the_results_that_exist(organisation, calls):
    steps = [step(f"s{number}") for number in range(9)]
    run = run_steps(
        organisation,
        *steps,
        step("bad", "test.fail", arguments={"error": "TypeError"}),
        step("heir", depends_on=["bad"]),
    )
    assert (run.status, run.failed_steps, run.open_steps) == ("failed", 1, 0)
    found = steps_of(run)
    assert [found[f"s{number}"].result for number in range(9)] == [f"s{number}" for number in range(9)]
    assert found["bad"].error == {"type": "TypeError", "message": "it broke"}
    assert (found["heir"].status, found["heir"].error["message"]) == ("skipped", "bad failed")


def test_what_may_pass_is_tried_again(organisation, calls):
    run = run_steps(organisation, step("s", "test.fail", arguments={"times": 2}, backoff_seconds=0.01))
    assert run.status == "completed"
    found = steps_of(run)["s"]
    assert (found.retries, found.attempt, found.result) == (2, 3, "mended")
    assert history(run, "s")[1:5] == [
        ("ready", "running"),
        ("running", "retry_wait"),
        ("retry_wait", "ready"),
        ("ready", "running"),
    ]


def test_retries_come_to_an_end(organisation, calls):
    run = run_steps(organisation, step("s", "test.fail", max_retries=1, backoff_seconds=0.01))
    assert run.status == "failed"
    assert (len(calls), steps_of(run)["s"].retries) == (2, 1)


def test_an_error_of_the_code_is_not_tried_again(organisation, calls):
    run = run_steps(organisation, step("s", "test.fail", arguments={"error": "TypeError"}))
    assert (run.status, calls) == ("failed", ["fail"])


def test_what_a_failing_step_wrote_is_undone(organisation, calls):
    @register("test.write")
    def write():
        Run.objects.filter(organisation_id=organisation).update(name="changed")
        raise ValueError("after all")

    try:
        run = run_steps(organisation, step("s", "test.write"))
    finally:
        unregister("test.write")
    assert (run.status, run.name) == ("failed", "flow")


def test_a_map_has_an_item_for_each_value_and_a_list_for_a_result(organisation, calls):
    run = run_steps(
        organisation,
        step("list", arguments={"value": [{"n": 3}, {"n": 1}, {"n": 2}]}),
        step(
            "each",
            depends_on=["list"],
            map="{steps.list.result}",
            map_limit=2,
            arguments={"value": "{item.n}"},
        ),
        step("after", depends_on=["each"], arguments={"value": "{steps.each.result}"}),
    )
    assert run.status == "completed"
    # two at a time: which of those comes first is not said
    assert (calls[1], sorted(calls[2:4]), calls[4]) == (3, [1, 2], [3, 1, 2])
    assert statuses(run)["each.2"] == "done"


def test_a_map_over_nothing_is_done(organisation, calls):
    run = run_steps(organisation, step("each", map=[], arguments={"value": "{item}"}))
    assert (run.status, steps_of(run)["each"].result) == ("completed", [])


@pytest.mark.parametrize(
    "over", ["{steps.find.result.results}", "{steps.find.result}", "{given}", "{given.list}", []]
)
def test_a_map_over_what_was_skipped_or_not_given_is_a_map_over_nothing(organisation, calls, over):
    run = run_steps(
        organisation,
        step("find", when={"given": {"$exists": True}}),
        step("each", map=over, depends_on=["find"], arguments={"value": "{item}"}),
        step("after", depends_on=["each"], arguments={"value": "{steps.each.result}"}),
        parameters={"type": "object", "properties": {"given": {"type": "array"}}},
    )
    assert (run.status, statuses(run)) == ("completed", {"find": "skipped", "each": "done", "after": "done"})
    assert (steps_of(run)["each"].result, calls) == ([], [[]])


def test_a_map_over_something_else_fails(organisation, calls):
    run = run_steps(
        organisation,
        step("a"),
        step("each", map="{steps.a.result}", depends_on=["a"], arguments={"value": "{item}"}),
    )
    assert (run.status, steps_of(run)["each"].error["code"]) == ("failed", "workflows.not_a_list")


def test_items_that_fail_leave_the_others_results(organisation, calls):
    @register("test.odd")
    def odd(value: int):
        if value == 2:
            raise ValueError("two")
        return value

    try:
        run = run_steps(organisation, step("each", "test.odd", map=[1, 2, 3], arguments={"value": "{item}"}))
    finally:
        unregister("test.odd")
    each = steps_of(run)["each"]
    assert (run.status, each.status, each.result) == ("failed", "failed", [1, None, 3])
    assert each.error["items"] == {"1": {"type": "ValueError", "message": "two"}}


def test_the_context_reaches_who_declares_it(organisation, calls):
    make_template(organisation, step("s", "test.context", arguments={}))
    run = run_again(organisation, metadata={"owner": "ops"})
    assert steps_of(run)["s"].result == {"owner": "ops"}


def test_a_missing_parameter_leaves_nothing_behind(organisation, calls):
    make_template(
        organisation,
        step("s", arguments={"value": "{query}"}),
        parameters={"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    )
    with pytest.raises(Faulty, match="query"):
        run_again(organisation)
    with tenant_transaction(organisation):
        assert Run.objects.filter(organisation_id=organisation).count() == 0


def test_the_key_of_a_call_is_the_same_at_each_attempt(organisation, calls):
    run = run_steps(
        organisation, step("s", "test.key", arguments={}), step("m", "test.key", map=[1, 2], arguments={})
    )
    assert set(calls) == {f"{run.id}/s", f"{run.id}/m/0", f"{run.id}/m/1"}


@pytest.mark.parametrize("result", [float("nan"), object(), "a\x00b", "x" * 4_000_001])
def test_a_result_that_can_not_be_kept_is_an_error_of_the_step(organisation, calls, result):
    register("test.bad", outside=True)(lambda: result)
    try:
        run = run_steps(organisation, step("s", "test.bad", arguments={}))
    finally:
        unregister("test.bad")
    assert (run.status, steps_of(run)["s"].attempt) == ("failed", 1)


def test_the_old_template_runs_as_it_stands(organisation):
    payload = {
        "name": "enhanced_search_workflow",
        "tasks": [
            {"name": "search_memory", "function": "enhanced_search", "priority": 2, "timeout_seconds": 30.0}
        ],
    }
    draft = save_draft(organisation=organisation, by=SYSTEM, payload=payload)
    publish(organisation=organisation, by=SYSTEM, template=draft.template_id)
    run = run_again(organisation, name="enhanced_search_workflow", given={"query": "boots", "limit": 3})
    assert run.status == "completed"
    found = steps_of(run)["search_memory"]
    assert (found.priority, found.result["results"]) == (2, [])


def test_a_result_that_is_known_is_not_computed_again(organisation, calls):
    @register("test.known", cacheable=True)
    def known(value: str):
        calls.append(value)
        return value

    try:
        make_template(
            organisation,
            step("a", "test.known", arguments={"value": "x"}),
            step("b", "test.known", arguments={"value": "x"}, depends_on=["a"]),
            step("c", "test.known", arguments={"value": "y"}, depends_on=["b"]),
        )
        runs = [run_again(organisation) for _ in range(2)]
    finally:
        unregister("test.known")
    assert calls == ["x", "y"]
    assert [{name: row.result for name, row in steps_of(run).items()} for run in runs] == [
        {"a": "x", "b": "x", "c": "y"}
    ] * 2


def test_side_effects_are_carried_out_each_time(organisation):
    steps = [step(name, "memory.store", arguments={"content": "the same"}) for name in "abc"]
    run = run_steps(organisation, *steps)
    assert len({row.result["id"] for row in steps_of(run).values()}) == 3
