"""POST /api/v1/decisions/search, its index, and `manage.py index_decisions`."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accountability.models import DecisionRecord, DecisionText
from accountability.search import indexing
from accountability.search.indexing import add_missing, embed_next
from accountability.search.texts import MAX_CHARACTERS, text_of
from accountability.tasks import embed_decisions, sweep_decisions
from liftos.kernel.db.transactions import tenant_transaction, whole_tenant
from liftos.kernel.db.viewers import seeing_everything
from liftos.kernel.embedding import EmbedderUnavailable, EmbeddingManager
from liftos.kernel.outbox.relay import relay
from liftos.kernel.tenancy.types import Scope
from tests.factories.keys import with_key
from tests.factories.principals import key_of, principal_of

BUDGET = "Moved a tenth of the search budget to social, because its cost per order fell for three weeks."
PRICE = "Kept the price of winter boots: competitors are out of stock."
AGENCY = "Ended the contract with the Lisbon agency after two missed launches."


def decide(caller, reasoning, **fields):
    body = {"operation": "agent.plan", "reasoning": reasoning} | fields
    answer = caller.post("/api/v1/decisions", body)
    assert answer.status_code == 201, answer.content
    return answer.json()["id"]


def index(caller):
    with seeing_everything():
        relay(organisation=caller.organisation)
    embed_decisions(str(caller.organisation))


def ask(caller, query, **more):
    answer = caller.post("/api/v1/decisions/search", {"query": query} | more)
    assert answer.status_code == 200, answer.content
    return answer.json()


def ids(found):
    return [each["decision"]["id"] for each in found["results"]]


@pytest.fixture
def decided(acme):
    """Three decisions, indexed; the first with a verdict and an outcome."""
    made = [
        decide(acme, text, effect=effect)
        for text, effect in ((BUDGET, "write"), (PRICE, "read"), (AGENCY, "delete"))
    ]
    reviewer, _ = with_key(acme, Scope.DECISIONS_REVIEW)
    reviewer.post(f"/api/v1/decisions/{made[0]}/reviews", {"verdict": "approve", "reason": "as agreed"})
    acme.post(f"/api/v1/decisions/{made[0]}/outcomes", {"value": True, "note": "orders rose"})
    index(acme)
    return made


def test_decisions_are_found_by_meaning_and_words_with_what_came_of_them(acme, decided):
    budget, price, agency = decided
    found = ask(acme, "did we ever shift money from one advertising channel to another?")
    [first, *_] = found["results"]
    assert first["decision"]["id"] == budget
    assert (first["state"], [each["reason"] for each in first["reviews"]]) == ("approved", ["as agreed"])
    assert [each["note"] for each in first["decision"]["outcomes"]] == ["orders rose"]
    assert first["terms"]["meaning"] >= 0.3
    assert first["score"] == pytest.approx(
        0.6 * first["terms"]["meaning"] + 0.4 * first["terms"]["words"], abs=1e-5
    )
    assert ids(ask(acme, "Lisbon"))[0] == agency
    assert ids(ask(acme, "winter boots price"))[0] == price
    assert ids(ask(acme, "how do whales sleep")) == []
    # a search is recorded, and is not itself found
    record = acme.get(f"/api/v1/decisions/{found['decision_id']}").json()
    assert (record["operation"], record["outputs"]["results"][0]["id"]) == ("decision.search", budget)
    assert "advertising" not in str(record)


def test_filters_narrow(acme, decided):
    budget, price, agency = decided
    query = "budget price contract boots agency"
    me = acme.get(f"/api/v1/decisions/{budget}").json()["actor_id"]
    assert set(ids(ask(acme, "boots budget agency", actor=me))) <= {budget, price, agency}
    for more, wanted in (
        ({"effect": "write"}, {budget}), ({"operation": "agent.other"}, set()), ({"since": "2999-01-01"}, set()),
        ({"until": "2000-01-01"}, set()), ({"actor": "nobody"}, set()), ({"effect": "delete", "actor": f"api_key:{me}"}, {agency}),
    ):  # fmt: skip
        found = set()
        for word in query.split():
            found |= set(ids(ask(acme, word, **more)))
        assert found == wanted, more


def test_a_fresh_decision_is_found_by_words_until_a_worker_has_embedded_it(acme, monkeypatch):
    made = decide(acme, AGENCY)
    with seeing_everything():
        relay(organisation=acme.organisation)
    [hit] = ask(acme, "Lisbon agency")["results"]
    assert (hit["decision"]["id"], hit["terms"]["meaning"]) == (made, None)
    sent = []
    monkeypatch.setattr(
        "accountability.tasks.send_hint", lambda task, organisation: sent.append((task, organisation))
    )
    sweep_decisions()
    assert (indexing.TASK, acme.organisation) in sent
    embed_decisions(str(acme.organisation))
    sent.clear()
    sweep_decisions()
    assert (indexing.TASK, acme.organisation) not in sent
    assert ask(acme, "Lisbon agency")["results"][0]["terms"]["meaning"] > 0.3


def test_without_the_embedder_words_answer(acme, decided, monkeypatch):
    def fail(*_, **__):
        raise EmbedderUnavailable

    monkeypatch.setattr(EmbeddingManager, "embed", fail)
    found = ask(acme, "Lisbon")
    assert (ids(found), found["degraded"]) == ([decided[2]], ["meaning"])


def test_private_and_foreign_decisions_stay_so(acme, rival, decided):
    alice, bob = (key_of(acme, principal_of(acme, name)) for name in ("alice", "bob"))
    memory = bob.post(
        "/api/v1/memories", {"content": "quetzalcoatlus", "visible_to": {"principal": "bob"}}
    ).json()["id"]
    private = decide(bob, "Chose the quetzalcoatlus logo.", memories=[memory])
    index(acme)
    assert ids(ask(bob, "quetzalcoatlus logo")) == [private]
    for caller in (alice, rival):
        assert ids(ask(caller, "quetzalcoatlus logo")) == []
    assert ids(ask(rival, "Lisbon agency")) == []
    recorded = acme.get("/api/v1/decisions?operation=decision.search").json()
    assert private not in str(recorded)


def test_an_erasure_takes_the_index_along(acme):
    memory = acme.store("Ann earns 5,000")
    made = decide(acme, "Raised the pay of quetzalcoatlus.", memories=[memory])
    other = decide(acme, AGENCY)
    index(acme)
    assert ids(ask(acme, "quetzalcoatlus pay")) == [made]
    acme.delete(f"/api/v1/memories/{memory}")
    assert ids(ask(acme, "quetzalcoatlus pay")) == []
    with whole_tenant(acme.organisation):
        assert [str(each) for each in DecisionText.objects.values_list("decision_id", flat=True)] == [other]
    # nothing brings it back
    assert sum(add_missing(organisation=acme.organisation)) == 0
    with whole_tenant(acme.organisation), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accountability_decisiontext WHERE words::text LIKE '%quetzal%'")
        assert cursor.fetchone() == (0,)


def test_the_command_indexes_decisions_from_before_and_leaves_out_the_services_own(acme, capsys):
    made = decide(acme, PRICE)
    acme.store("a memory")
    acme.post("/api/v1/search", {"query": "memory"})
    call_command("index_decisions", acme.slug)
    assert capsys.readouterr().out.strip() == f"{acme.slug}: 1 decisions indexed, 1 embedded"
    with tenant_transaction(acme.organisation):
        assert DecisionRecord.objects.count() > 1
    assert ids(ask(acme, "boots price")) == [made]
    call_command("index_decisions", all=True)
    assert f"{acme.slug}: 0 decisions indexed, 0 embedded" in capsys.readouterr().out
    with pytest.raises(CommandError, match="No organisation"):
        call_command("index_decisions", "nobody")
    with pytest.raises(CommandError, match="not both"):
        call_command("index_decisions")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "query"), ({"query": "  "}, "query"), ({"query": "x" * 2_001}, "query"), ({"query": "a", "limit": 0}, "limit"),
        ({"query": "a", "limit": 101}, "limit"), ({"query": "a", "effect": "sing"}, "effect"),
        ({"query": "a", "since": "2024-02-01", "until": "2024-01-01"}, "until"), ({"query": "a\0"}, "query"),
    ],
)  # fmt: skip
def test_bad_search_is_422(acme, body, field):
    answer = acme.post("/api/v1/decisions/search", body)
    assert answer.status_code == 422, answer.content
    assert [each["loc"] for each in answer.json()["errors"]] == [["body", field]]


@pytest.mark.parametrize("query", ["'", "\\", "a & | ! ( ) : *", "the of and", "🦕", "'quo''ted' \\' x"])
def test_queries_of_signs_are_answered(acme, decided, query):
    assert isinstance(ask(acme, query)["results"], list)


def test_a_text_has_the_reasons_first_and_a_bound():
    said = text_of(
        "budget.move", "", ("campaign", "spring"),
        {"reasoning": "because", "outputs": {"new_budget": 120, "done": True}, "inputs": {"a": ["x", {"b": "y"}]}},
    )  # fmt: skip
    assert said == "because\nbudget move\ncampaign\nspring\nnew budget 120\na x\nb y"
    assert (
        len(text_of("o", "", ("", ""), {"reasoning": "r", "inputs": {"a": ["x" * 100] * 1_000}}))
        == MAX_CHARACTERS
    )


def test_vectors_leave_no_trace_in_the_embedding_cache(acme, monkeypatch):
    forgotten = []
    monkeypatch.setattr(EmbeddingManager, "forget", lambda self, texts, **_: forgotten.extend(texts) or True)
    decide(acme, AGENCY)
    assert sum(add_missing(organisation=acme.organisation)) == 1
    assert embed_next(organisation=acme.organisation) == 1
    assert [AGENCY in each for each in forgotten] == [True]
