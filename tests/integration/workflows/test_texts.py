"""Any text a memory accepts passes unchanged through steps, maps, parameters, metadata and the ledger."""

import pytest

from accountability.ledger.sequencer import drain
from accountability.ledger.verification import verify_log
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput
from liftos.kernel.functions import list_functions, register, unregister
from liftos.kernel.tenancy.types import SYSTEM
from memory.operations import remember
from memory.types import MemoryDraft, TrustState
from tests.factories.flows import make_template, read_run, run_again, run_steps, step, steps_of
from workflows.marketing import read_template
from workflows.models import Run

TEXTS = (
    "Launch 🚀",
    "👩‍👩‍👧‍👦 family, 🇩🇪 flag",
    "\U0001d518\U0001d52b\U0001d526 \U0010fffd",
    "e\u0301 combining, \u202eright to left",
    "\ufeffmark, \u2028 line, \uffff last of its plane",
    "six characters \\u0000, \\\\u0000, \\ud83d",
    "a backslash at the end\\",
    "quotes \" ' and \t tab \n line \x1f \x7f",
)
WORD = "quarterly"
PATHS = {
    "memory.store": {
        "content": "{text} " + WORD,
        "metadata": {"text": "{text}", "nested": [{"deep": "{text}"}]},
        "tags": ["{text}"],
        "source": "{text}",
        "external_id": "{text}",
        "memory_type": "insight",
    },
    "memory.store_many": {"memories": [{"content": "{text} and more " + WORD, "tags": ["{text}"]}]},
    "memory.search": {"query": "{text} " + WORD, "limit": 5, "format": "prompt"},
    "enhanced_search": {"query": "{text} " + WORD, "limit": 5},
    "memory.search_many": {"queries": ["{text} " + WORD, "{text}"], "limit": 5},
    "memory.recent": {"days": 1, "memory_types": ["insight"]},
    "memory.health": {},
    "memory.care": {},
    "event.emit": {"type": "acme.said", "data": {"text": "{text}"}},
    "memory.contest": {"memory_id": "{steps.memory_store.result.id}", "reason": "{text}"},
    "memory.supersede": {
        "memory_id": "{steps.memory_store_many.result.results.0.id}",
        "content": "{text} instead",
        "reason": "{text}",
    },
    "memory.erase": {"memory_id": "{gone}", "reason": "{text}"},
    "decisions.record": {
        "operation": "marketing.note",
        "reasoning": "{text}",
        "inputs": {"text": "{text}"},
        "outputs": {"found": "{steps.memory_search.result}"},
        "alternatives": [{"text": "{text}"}],
    },
    "marketing.digest": {
        "title": "{text}",
        "memories": "{steps.memory_recent.result.memories}",
        "related": ["{steps.memory_search.result}"],
    },
}
# a document's texts: tests/integration/memory/test_functions.py
FIGURES = {"marketing.causal_impact", "marketing.difference_in_differences", "marketing.saturation"}
# of figures: tests/api/marketing/test_causal_runs.py; of other runs: tests/api/workflows/test_children.py
ELSEWHERE = {"http.request", "memory.store_document", "workflow.run"} | FIGURES


def test_every_function_is_driven_here():
    shipped = {each.name for each in list_functions() if not each.name.startswith(("test.", "bench."))}
    assert shipped == set(PATHS) | ELSEWHERE


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_every_function_takes_and_returns_any_text(organisation, calls, text):
    names = [name.replace(".", "_") for name in PATHS]
    # not found by the run: what it has stored or found goes with all that it holds
    draft = MemoryDraft("to be erased by a step")
    gone = str(remember(organisation=organisation, by=SYSTEM, draft=draft, trust=TrustState.CANDIDATE).id)
    run = run_steps(
        organisation,
        *[
            step(name.replace(".", "_"), name, arguments=arguments, depends_on=names[:place][-1:])
            for place, (name, arguments) in enumerate(PATHS.items())
        ],
        step(
            "map",
            map="{steps.memory_search.result.results}",
            depends_on=names,
            arguments={"value": ["{item}", "{item.content}!", "{text}"]},
        ),
        parameters={
            "type": "object",
            "properties": {"text": {"type": "string", "default": text}, "gone": {"type": "string"}},
            "required": ["gone"],
        },
        description=text,
        given={"text": text, "gone": gone},
    )
    steps = steps_of(run)
    assert [(name, row.error) for name, row in steps.items() if row.status != "done"] == []
    assert run.parameters == {"text": text, "gone": gone}
    found = [hit["content"] for hit in steps["memory_search"].result["results"]]
    assert f"{text} {WORD}" in found
    assert [value[1:] for value in steps["map"].result] == [[f"{content}!", text] for content in found]
    assert text in steps["marketing_digest"].result["content"]
    drain(organisation=organisation)
    with tenant_transaction(organisation):
        assert [each.verdict.holds for each in verify_log(organisation) if each.verdict] == [True]


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_keys_items_and_metadata_hold_any_text(organisation, calls, text):
    make_template(organisation, step("m", map=[text, {text: [text]}], arguments={"value": {text: "{item}"}}))
    run = run_again(organisation, metadata={text: text})
    assert run.metadata == {text: text}
    assert steps_of(run)["m"].result == [{text: text}, {text: {text: [text]}}]


def test_the_shipped_digest_quotes_an_emoji(organisation):
    run_steps(
        organisation, step("s", "memory.store", arguments={"content": "Launch 🚀", "memory_type": "insight"})
    )
    payload = read_template("weekly_insight_digest")
    make_template(organisation, *payload.pop("steps"), **payload)
    run = run_again(organisation, name="weekly_insight_digest", given={"title": "Week 🗓"})
    assert run.status == "completed"
    assert "- Launch 🚀 [1]" in steps_of(run)["digest"].result["content"]


@pytest.mark.parametrize(
    "bad", ["a\x00b", "\ud83d", "x\udc00", {"\x00": 1}, ["a", {"b": "\udfff"}]], ids=ascii
)
def test_what_can_not_be_kept_fails_its_step_and_says_why(organisation, bad):
    register("test.bad", outside=True)(lambda: bad)
    try:
        run = run_steps(organisation, step("s", "test.bad", arguments={}))
    finally:
        unregister("test.bad")
    row = steps_of(run)["s"]
    assert (run.status, row.attempt, row.error["type"]) == ("failed", 1, "NotStorable")
    assert "character" in row.error["message"] or "surrogate" in row.error["message"]


@pytest.mark.parametrize("text", ["a\x00b", "half \ud83d of a pair", "🚀 and \\u0000"], ids=ascii)
def test_any_error_text_can_be_kept(organisation, text):
    def fail():
        raise TypeError(text)

    register("test.bad", outside=True)(fail)
    try:
        run = run_steps(organisation, step("s", "test.bad", arguments={}))
    finally:
        unregister("test.bad")
    kept = steps_of(read_run(organisation, run.id))["s"].error["message"]
    assert kept == text.replace("\x00", "").replace("\ud83d", "?")


@pytest.mark.parametrize("bad", ["a\x00b", "half \ud83d"], ids=ascii)
def test_parameters_metadata_and_templates_that_can_not_be_kept_are_refused(organisation, calls, bad):
    make_template(
        organisation, step("s"), parameters={"type": "object", "properties": {"text": {"type": "string"}}}
    )
    with pytest.raises(InvalidInput, match="can't be stored") as error:
        run_again(organisation, given={"text": bad})
    assert error.value.loc == ("parameters",)
    with pytest.raises(InvalidInput, match="can't be stored") as error:
        run_again(organisation, metadata={"note": [bad]})
    assert error.value.loc == ("metadata",)
    with pytest.raises(InvalidInput, match="can't be stored"):
        make_template(organisation, step("s", arguments={"value": {bad: 1}}), name="other")
    with tenant_transaction(organisation):
        assert not Run.objects.exists()
