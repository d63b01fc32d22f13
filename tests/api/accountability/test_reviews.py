"""POST and GET /api/v1/decisions/{id}/reviews, GET /api/v1/reviews, GET and PUT /api/v1/reviews/policy."""

import json
from uuid import UUID

import pytest

from accountability import ports
from accountability.ledger.sequencer import drain
from accountability.ledger.verification import verify_log
from accountability.models import DecisionRecord, ReviewCase
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import Conflict
from liftos.kernel.outbox.models import OutboxEvent
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.types import SYSTEM, Scope
from tests.api.routes import NOBODYS_ID
from tests.factories.callers import Caller
from tests.factories.erasures import scrub


def another_key(caller, scopes=frozenset(Scope)):
    _, token = create_api_key(organisation=caller.organisation, by=SYSTEM, name="reviewer", scopes=scopes)
    return Caller(caller.organisation, caller.slug, token, caller.client)


@pytest.fixture
def reviewer(acme):
    return another_key(acme)


def decide(caller, **fields):
    body = {"operation": "budget.move", "reasoning": "because", "effect": "write", "risk_class": "limited"}
    answer = caller.post("/api/v1/decisions", body | fields)
    assert answer.status_code == 201, answer.content
    return answer.json()["id"]


def review(caller, decision, verdict="approve", reason="seen"):
    return caller.post(f"/api/v1/decisions/{decision}/reviews", {"verdict": verdict, "reason": reason})


def queue(caller, query=""):
    drain(organisation=caller.organisation)
    answer = caller.get(f"/api/v1/reviews{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_an_approval_is_a_record_that_follows_from_the_decision(acme, reviewer):
    decision = decide(acme)
    before = acme.get(f"/api/v1/decisions/{decision}").json()
    answer = review(reviewer, decision, reason="as agreed")
    assert answer.status_code == 201
    made = answer.json()
    assert {name: made[name] for name in ("decision_id", "verdict", "state", "reversal")} == {
        "decision_id": decision, "verdict": "approve", "state": "approved", "reversal": None,
    }  # fmt: skip
    record = acme.get(f"/api/v1/decisions/{made['id']}").json()
    assert (record["operation"], record["decision_point"]) == ("decision.review", "review.approve")
    assert (record["subject_kind"], record["subject_id"], record["parents"]) == (
        "decision",
        decision,
        [decision],
    )
    assert "as agreed" in record["reasoning"]
    assert acme.get(f"/api/v1/decisions/{decision}").json() == before
    drain(organisation=acme.organisation)
    with tenant_transaction(acme.organisation):
        *_, last = verify_log(acme.organisation)
    assert last.verdict.holds


def test_the_reviews_of_a_decision_are_listed_oldest_first(acme, reviewer):
    decision = decide(acme)
    assert acme.get(f"/api/v1/decisions/{decision}/reviews").json() == {
        "state": None,
        "results": [],
        "next": None,
    }
    review(reviewer, decision, "information", "which region?")
    review(reviewer, decision, "approve", "")
    answer = acme.get(f"/api/v1/decisions/{decision}/reviews").json()
    assert answer["state"] == "approved"
    assert [(each["verdict"], each["reason"]) for each in answer["results"]] == [
        ("information", "which region?"), ("approve", ""),
    ]  # fmt: skip
    assert {each["actor_kind"] for each in answer["results"]} == {"api_key"}


def test_overturning_a_store_contests_the_memory(acme, reviewer):
    memory = acme.store("The shop opens at nine")
    [stored] = acme.get(f"/api/v1/decisions?subject_id={memory}").json()["results"]
    made = review(reviewer, stored["id"], "overturn", "the sign says ten").json()
    assert made["state"] == "overturned"
    assert made["reversal"] | {"decision_id": ""} == {
        "operation": "memory.contest", "changed": 1, "left_alone": 0, "decision_id": "",
    }  # fmt: skip
    assert acme.get(f"/api/v1/memories/{memory}").json()["state"] == "contested"
    chain = acme.get(f"/api/v1/decisions/{stored['id']}/chain").json()["results"]
    assert [step["decision"]["operation"] for step in chain] == [
        "memory.store",
        "decision.review",
        "memory.contest",
    ]


def test_overturning_a_bulk_store_leaves_earlier_memories(acme, reviewer):
    old = acme.store("old", source="s", external_id="1")
    lines = '{"content": "old", "source": "s", "external_id": "1"}\n{"content": "new"}'
    answer = acme.send("/api/v1/memories/bulk", lines, "application/x-ndjson").json()
    new = next(each["id"] for each in answer["results"] if each["id"] != old)
    [stored] = acme.get("/api/v1/decisions?operation=memory.store_many").json()["results"]
    assert review(reviewer, stored["id"], "overturn").json()["reversal"]["changed"] == 1
    assert acme.get(f"/api/v1/memories/{old}").json()["state"] == "active"
    assert acme.get(f"/api/v1/memories/{new}").json()["state"] == "contested"


@pytest.mark.parametrize(
    ("how", "becomes"), [("reject", "active"), ("contest", "active"), ("confirm", "contested")]
)
def test_overturning_a_correction_takes_it_back(acme, reviewer, how, becomes):
    memory = acme.store("The shop opens at nine")
    done = acme.post(f"/api/v1/memories/{memory}/{how}", {"reason": "x"}).json()
    answer = review(reviewer, done["decision_id"], "overturn", "it is right after all")
    assert answer.status_code == 201, answer.content
    assert acme.get(f"/api/v1/memories/{memory}").json()["state"] == becomes


def test_what_has_moved_on_is_left_alone(acme, reviewer):
    memory = acme.store("The shop opens at nine")
    [stored] = acme.get(f"/api/v1/decisions?subject_id={memory}").json()["results"]
    acme.post(f"/api/v1/memories/{memory}/reject", {})
    reversal = review(reviewer, stored["id"], "overturn").json()["reversal"]
    assert (reversal["changed"], reversal["left_alone"], reversal["decision_id"]) == (0, 1, None)
    assert acme.get(f"/api/v1/memories/{memory}").json()["state"] == "rejected"


def test_irreversible_decision_is_overturned_and_reported(acme, reviewer):
    decision = decide(acme)
    made = review(reviewer, decision, "overturn").json()
    assert (made["state"], made["reversal"]) == ("overturned", None)
    with tenant_transaction(acme.organisation):
        event = OutboxEvent.objects.get(type="liftos.decision.reviewed")
    assert event.subject == f"decisions/{decision}"
    assert event.data | {"review_id": ""} == {
        "decision_id": decision, "operation": "budget.move", "verdict": "overturn", "state": "overturned",
        "review_id": "", "reversed": False,
    }  # fmt: skip


def test_own_decision_cannot_be_reviewed(acme):
    answer = review(acme, decide(acme))
    assert (answer.status_code, answer.json()["code"]) == (403, "accountability.own_decision")


def test_a_person_does_not_review_through_another_key(acme, reviewer):
    decision = acme.post(
        "/api/v1/decisions", {"operation": "o", "reasoning": "r"}, **{"x-user-id": "ann"}
    ).json()["id"]
    path, body = f"/api/v1/decisions/{decision}/reviews", {"verdict": "approve"}
    assert reviewer.post(path, body, **{"x-user-id": "ann"}).status_code == 403
    assert reviewer.post(path, body, **{"x-user-id": "ben"}).status_code == 201


def test_high_risk_wants_two(acme, reviewer):
    decision = decide(acme, risk_class="high")
    assert review(reviewer, decision).json()["state"] == "waiting_second"
    assert review(reviewer, decision).json()["state"] == "waiting_second"
    assert review(another_key(acme), decision).json()["state"] == "approved"


def test_approved_decision_may_be_overturned_once(acme, reviewer):
    decision = decide(acme)
    review(reviewer, decision)
    again = review(reviewer, decision)
    assert (again.status_code, again.json()["code"]) == (409, "accountability.review_forbidden")
    assert review(reviewer, decision, "overturn").json()["state"] == "overturned"
    for verdict in ("approve", "overturn", "information"):
        assert review(reviewer, decision, verdict).status_code == 409


def test_a_review_is_not_reviewed(acme, reviewer):
    made = review(reviewer, decide(acme)).json()["id"]
    assert review(another_key(acme), made).status_code == 409


@pytest.mark.parametrize("verdict", ["overturn", "information"])
@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_is_wanted(acme, reviewer, verdict, reason):
    answer = review(reviewer, decide(acme), verdict, reason)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["body", "reason"]


@pytest.mark.parametrize(
    "body",
    [{}, {"verdict": "maybe"}, {"verdict": 5}, {"verdict": "approve", "reason": "x" * 2_001}, [], None, "x"],
)
def test_bad_input_is_422(acme, reviewer, body):
    decision = decide(acme)
    assert reviewer.post(f"/api/v1/decisions/{decision}/reviews", body).status_code == 422
    assert acme.get(f"/api/v1/decisions/{decision}/reviews").json()["state"] is None


def test_another_organisations_decision_is_404(acme, rival):
    decision = decide(acme)
    for place in (decision, NOBODYS_ID):
        assert review(rival, place).status_code == 404
        assert rival.get(f"/api/v1/decisions/{place}/reviews").status_code == 404


def test_reviewing_has_a_scope_of_its_own(acme):
    decision = decide(acme)
    writer = another_key(acme, frozenset(Scope) - {Scope.DECISIONS_REVIEW})
    assert review(writer, decision).status_code == 403
    assert review(another_key(acme, frozenset({Scope.DECISIONS_REVIEW})), decision).status_code == 201


def test_the_same_request_again_is_one_review(acme, reviewer):
    decision = decide(acme)
    path, body = f"/api/v1/decisions/{decision}/reviews", {"verdict": "approve"}
    first, again = (reviewer.post(path, body, **{"idempotency-key": "k"}) for _ in range(2))
    assert (again.status_code, again.json()) == (201, first.json())
    assert len(acme.get(path).json()["results"]) == 1


@pytest.mark.parametrize("operation", ["decision.review", "memory.store", "review.policy"])
def test_reserved_operation_is_422(acme, operation):
    body = {"operation": operation, "reasoning": "r", "subject": {"kind": "decision", "id": NOBODYS_ID}}
    answer = acme.post("/api/v1/decisions", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "accountability.reserved_operation")
    assert answer.json()["errors"][0]["loc"] == ["body", "operation"]


def test_erasing_a_memory_erases_reasons_but_not_verdicts(acme, reviewer):
    memory = acme.store("Ann earns 5,000 a month")
    [stored] = acme.get(f"/api/v1/decisions?subject_id={memory}").json()["results"]
    review(reviewer, stored["id"], "information", "who said that Ann earns 5,000?")
    assert scrub(acme.organisation, UUID(memory)) == 2
    [told] = acme.get(f"/api/v1/decisions/{stored['id']}/reviews").json()["results"]
    assert (told["verdict"], told["reason"]) == ("information", "")


def test_by_default_risk_and_doubtful_writes_are_queued(acme):
    risky, doubtful = decide(acme, risk_class="high"), decide(acme, confidence=0.49)
    decide(acme, confidence=0.5)
    decide(acme, confidence=0.1, effect="read")
    acme.store("x")
    acme.search("x")
    listed = queue(acme)
    assert [(each["id"], each["because"], each["state"]) for each in listed] == [
        (risky, "risk", "open"), (doubtful, "confidence", "open"),
    ]  # fmt: skip
    assert listed[0]["reasoning"] == "because"


def test_a_settled_decision_leaves_the_queue(acme, reviewer):
    decision = decide(acme, confidence=0.1)
    assert len(queue(acme)) == 1
    review(reviewer, decision)
    assert queue(acme) == []
    assert [each["state"] for each in queue(acme, "?states=approved")] == ["approved"]


ORDERS = {
    "risk": lambda row: (
        ("high", "limited", "minimal").index(row["risk_class"]),
        row["confidence"] or 2,
        row["id"],
    ),
    "confidence": lambda row: (2 if row["confidence"] is None else row["confidence"], row["id"]),
    "age": lambda row: row["id"],
    "decision_point": lambda row: (row["decision_point"], row["id"]),
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_pages_cover_the_queue_once_in_order(acme, order, limit):
    acme.client.put(
        "/api/v1/reviews/policy",
        '{"risk_classes": ["high", "limited", "minimal"]}',
        content_type="application/json",
        headers={"authorization": f"Bearer {acme.token}"},
    )
    for number, risk in enumerate(("minimal", "high", "limited", "high", "minimal")):
        for confidence in (None, 0.3, 0.2 + number / 100):
            decide(acme, risk_class=risk, confidence=confidence, decision_point=f"point {number % 2}")
    everything = queue(acme, "?limit=200")
    seen, following = [], f"/api/v1/reviews?order={order}&limit={limit}"
    while following:
        page = acme.get(following).json()
        assert 0 < len(page["results"]) <= limit
        seen += page["results"]
        following = page["next"]
    assert seen == sorted(everything, key=ORDERS[order])
    assert len(seen) >= 15


def test_the_queue_is_narrowed(acme, reviewer):
    high, doubtful = decide(acme, risk_class="high", decision_point="a"), decide(acme, confidence=0.2)
    queue(acme)
    review(reviewer, doubtful, "information", "?")

    def ids(query):
        return [each["id"] for each in queue(acme, query)]

    assert ids("?risk_class=high") == ids("?decision_point=a") == ids("?states=open") == [high]
    assert ids("?confidence_below=0.3") == ids("?states=waiting_information") == [doubtful]
    assert ids("?assigned_to=ann") == []
    assert set(ids("?assigned_to=")) == {high, doubtful}


@pytest.mark.parametrize(
    "query",
    [
        "order=luck",
        "states=lost",
        "risk_class=x",
        "confidence_below=2",
        "limit=0",
        "cursor=x",
        "decision_point=%00",
    ],
)
def test_a_bad_query_is_422(acme, query):
    answer = acme.get(f"/api/v1/reviews?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["query", query.partition("=")[0]]


def test_the_queue_is_of_the_own_organisation(acme, rival):
    decide(acme, risk_class="high")
    assert len(queue(acme)) == 1
    assert queue(rival) == []


def put_policy(caller, body, token=None):
    headers = {"authorization": f"Bearer {token or caller.token}"}
    return caller.client.put(
        "/api/v1/reviews/policy", json.dumps(body), content_type="application/json", headers=headers
    )


def test_the_rules_are_read_and_set_on_record(acme):
    assert acme.get("/api/v1/reviews/policy").json() == {
        "risk_classes": ["high"], "confidence_below": 0.5, "effects": ["write", "delete"], "sample_share": 0.0,
        "second_reviewer": ["high"],
    }  # fmt: skip
    rules = {
        "risk_classes": ["limited"], "confidence_below": 0.2, "effects": ["read"], "sample_share": 1.0,
        "second_reviewer": [],
    }  # fmt: skip
    assert put_policy(acme, rules).json() == rules
    assert acme.get("/api/v1/reviews/policy").json() == rules
    with tenant_transaction(acme.organisation):
        changed = DecisionRecord.objects.select_related("payload").get(operation="review.policy")
    assert changed.payload.values["outputs"]["sample_share"] == 1.0
    doubtful, risky, sampled = (
        decide(acme, effect="read", risk_class="minimal", confidence=0.1),
        decide(acme),
        None,
    )
    sampled = decide(acme, risk_class="minimal", confidence=0.9)
    waiting = {each["id"]: each["because"] for each in queue(acme) if each["operation"] == "budget.move"}
    assert waiting == {
        doubtful: "confidence", risky: "risk", sampled: "sample",
    }  # fmt: skip


def test_a_sample_is_about_its_share(acme):
    put_policy(acme, {"risk_classes": [], "confidence_below": 0, "sample_share": 0.5})
    for _ in range(80):
        decide(acme, risk_class="minimal", confidence=0.9)
    # 80 draws at one half: outside of 16..64 once in 10^7
    assert 16 <= len(queue(acme, "?limit=200")) <= 64


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("confidence_below", 1.5),
        ("sample_share", -1),
        ("effects", ["x"]),
        ("risk_classes", "high"),
        ("second_reviewer", [1]),
    ],
)
def test_rules_that_can_not_be_used_are_422(acme, field, value):
    answer = put_policy(acme, {field: value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"][:2] == ["body", field]


def test_only_who_runs_the_organisation_sets_the_rules(acme):
    writer = another_key(acme, frozenset(Scope) - {Scope.ADMIN})
    assert put_policy(acme, {}, writer.token).status_code == 403


def test_a_failing_reversal_undoes_the_review(acme, reviewer, monkeypatch):
    def fails(overturned):
        raise Conflict("not now")

    decision = decide(acme)
    # only now: what has a reverser is not a caller's to put on record
    monkeypatch.setitem(ports.reversers.fillers, "budget.move", fails)
    assert review(reviewer, decision, "overturn").status_code == 409
    assert acme.get(f"/api/v1/decisions/{decision}/reviews").json()["results"] == []
    with tenant_transaction(acme.organisation):
        assert not ReviewCase.objects.exists()
