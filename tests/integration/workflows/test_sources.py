"""Memories stored by a workflow name their sources, and their decision the ones that read them."""

from time import monotonic
from uuid import UUID, uuid4

from accountability.queries import get_decision
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import Call, Sources, get_function
from liftos.kernel.tenancy.types import SYSTEM
from memory.erasure.operations import forget
from memory.models import Memory
from memory.operations import remember
from memory.types import MemoryDraft
from tests.factories.flows import principal, run_steps, step, steps_of


def put(organisation, *contents):
    return [remember(organisation=organisation, by=SYSTEM, draft=MemoryDraft(each)).id for each in contents]


def derived(organisation, memory):
    with tenant_transaction(organisation):
        row = Memory.objects.prefetch_related("links").get(id=memory)
        return {link.target_id for link in row.links.all() if link.kind == "derived_from"}


def parents(organisation, decision):
    with tenant_transaction(organisation):
        return set(get_decision(organisation=organisation, decision=UUID(decision)).parents)


FIND = step("find", "memory.search", arguments={"query": "boots", "limit": 10})


def test_a_stored_summary_names_what_was_found(organisation, calls):
    known = put(organisation, "rain sells boots", "boots cost 10")
    run = run_steps(
        organisation,
        FIND,
        step("sum", depends_on=["find"], arguments={"value": "{steps.find.result.count} on boots"}),
        step("keep", "memory.store", depends_on=["sum"], arguments={"content": "So: {steps.sum.result}"}),
    )
    steps = steps_of(run)
    kept = steps["keep"].result
    assert derived(organisation, kept["id"]) == set(known)
    assert parents(organisation, kept["decision_id"]) == {UUID(steps["find"].result["decision_id"])}


def test_what_refers_to_nothing_that_was_read_has_no_sources(organisation, calls):
    put(organisation, "rain sells boots")
    run = run_steps(
        organisation, FIND, step("keep", "memory.store", depends_on=["find"], arguments={"content": "done"})
    )
    kept = steps_of(run)["keep"].result
    assert derived(organisation, kept["id"]) == set()
    assert parents(organisation, kept["decision_id"]) == set()


def test_an_item_that_is_a_memory_is_the_source_alone(organisation, calls):
    known = put(organisation, "rain sells boots", "boots cost 10")
    run = run_steps(
        organisation,
        FIND,
        step(
            "keep", "memory.store", map="{steps.find.result.results}", depends_on=["find"],
            arguments={"content": "Noted: {item.content}"},
        ),
    )  # fmt: skip
    steps = steps_of(run)
    found = [UUID(hit["id"]) for hit in steps["find"].result["results"]]
    assert set(found) == set(known)
    assert [derived(organisation, each["id"]) for each in steps["keep"].result] == [{each} for each in found]


def test_store_many_after_a_map_of_searches(organisation, calls):
    known = put(organisation, "rain sells boots", "cocoa in winter")
    run = run_steps(
        organisation,
        step("find", "memory.search", map=["boots", "cocoa"], arguments={"query": "{item}", "limit": 1}),
        step(
            "keep", "memory.store_many", depends_on=["find"],
            arguments={"memories": [{"content": "Best: {steps.find.result.0.results.0.content}"}]},
        ),
    )  # fmt: skip
    steps = steps_of(run)
    [kept] = steps["keep"].result["results"]
    assert derived(organisation, kept["id"]) == set(known)
    read = {UUID(each["decision_id"]) for each in steps["find"].result}
    assert parents(organisation, kept["decision_id"]) == read


def test_a_source_that_was_named_comes_first_and_one_that_is_gone_is_left_out(organisation):
    first, second, third = put(organisation, "rain sells boots", "boots cost 10", "cocoa in winter")
    forget(organisation=organisation, by=SYSTEM, memory=second, reason="asked")
    call = Call(principal(organisation), "k", monotonic() + 10, sources=Sources((first, second, uuid4()), ()))
    function = get_function("memory.store")
    arguments = function.parse({"content": "two known", "derived_from": [str(third)]})
    kept = function.call(function.ready(call, arguments), arguments)
    assert derived(organisation, kept["id"]) == {first, third}
