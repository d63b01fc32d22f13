"""The review queue in the admin: listing, sorting, single and bulk verdicts, permissions."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accountability.ledger.sequencer import drain
from accountability.models import DecisionRecord, ReviewCase
from accountability.operations import record
from accountability.reviews.operations import review
from accountability.types import Verdict
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.models import Membership
from liftos.kernel.tenancy.types import Actor, ActorKind
from tests.conftest import make_caller

LIST = "/admin/accountability/reviewcase/"
AGENT = Actor(ActorKind.API_KEY, "agent")


@pytest.fixture
def caller(committed_db):
    return make_caller("Acme")


def member(caller, name, role="reviewer"):
    user = User.objects.create_user(name, is_staff=True)
    Membership.objects.create(user=user, organisation_id=caller.organisation, role=role)
    client = Client()
    client.force_login(user)
    client.get("/admin/")
    return client


@pytest.fixture
def ann(caller):
    return member(caller, "ann")


def put(caller, operation="budget.move", by=AGENT, risk_class="high", **fields):
    with tenant_transaction(caller.organisation):
        made = record(
            organisation=caller.organisation, by=by, operation=operation, reasoning=f"because of {operation}",
            risk_class=risk_class, **fields,
        )  # fmt: skip
    drain(organisation=caller.organisation)
    return made


def listed(client, query=""):
    answer = client.get(f"{LIST}{query}")
    assert answer.status_code == 200
    found = re.findall(rf'href="{LIST}([0-9a-f-]{{36}})/change/', answer.content.decode())
    return list(dict.fromkeys(found))


def judge(client, decision, how, reason="because"):
    return client.post(f"{LIST}{decision}/judge/{how}/", {"reason": reason})


def state(caller, decision):
    with tenant_transaction(caller.organisation):
        return ReviewCase.objects.get(decision_id=decision).state


def bulk(client, action, decisions, reason=""):
    body = {"action": action, "reason": reason, "_selected_action": [str(each) for each in decisions]}
    return client.post(LIST, body, follow=True).content.decode()


def test_queue_lists_open_reviews_by_risk(caller, ann):
    sure, unsure = put(caller, confidence=0.9), put(caller, confidence=0.2)
    doubtful = put(caller, risk_class="minimal", confidence=0.1)
    put(caller, risk_class="minimal", confidence=0.9)
    assert listed(ann) == [str(each) for each in (unsure, sure, doubtful)]
    judge(ann, doubtful, "approve")
    assert listed(ann) == [str(unsure), str(sure)]
    assert listed(ann, "?state=approved") == [str(doubtful)]


@pytest.mark.parametrize(
    ("column", "key"), [(1, lambda c: (c.rank, c.sureness, c.pk)), (2, lambda c: (c.sureness, c.pk)),
                        (4, lambda c: (c.decision_point, c.pk)), (8, lambda c: c.pk)],
)  # fmt: skip
@pytest.mark.parametrize("sign", ["", "-"])
def test_queue_sorts_by_each_order_both_ways(caller, ann, column, key, sign):
    for number in range(6):
        put(caller, risk_class=("high", "limited")[number % 2], decision_point=f"p{number % 3}", effect="write",
            confidence=(0.3, 0.1, 0.2)[number % 3])  # fmt: skip
    with tenant_transaction(caller.organisation):
        cases = sorted(ReviewCase.objects.all(), key=key, reverse=bool(sign))
    assert len(cases) == 6
    # the first column of the list is the box that chooses a row
    assert listed(ann, f"?o={sign}{column}") == [str(each.pk) for each in cases]


def test_list_query_count_does_not_grow(caller, ann):
    def queries():
        with CaptureQueriesContext(connection) as found:
            assert ann.get(LIST).status_code == 200
        return [each["sql"] for each in found.captured_queries]

    put(caller)
    ann.get(LIST)
    few = queries()
    for number in range(60):
        put(caller, f"test {number}")
    many = queries()
    assert len(many) == len(few) <= 10
    assert not [sql for sql in many if "COUNT(" in sql and "LIMIT" not in sql]
    assert not [sql for sql in many if "decisionpayload" in sql]


@pytest.mark.parametrize(("query", "index"), [
    # by age any of the indexes that begin with the organisation and the id will do, and small tables take what comes first
    ("", "review_by_risk"), ("?o=2", "review_by_confidence"), ("?o=8", ""), ("?o=-8", ""),
    ("?o=4", "review_by_point"), ("?assigned=me", "review_by_assignee"), ("?state=waiting_second", "review_by_risk"),
])  # fmt: skip
def test_each_order_has_its_index(caller, ann, query, index):
    put(caller)
    with CaptureQueriesContext(connection) as found:
        ann.get(f"{LIST}{query}")
    [sql] = [
        each["sql"]
        for each in found.captured_queries
        if 'ORDER BY "accountability_reviewcase"' in each["sql"]
    ]
    with tenant_transaction(caller.organisation), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {sql}")
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert index in plan
    assert "Sort" not in plan


def test_the_page_shows_what_changed_since(caller, ann):
    memory = caller.store("The shop opens at nine")
    decision = put(caller, subject=("memory", memory), memories=[{"id": memory, "version": 1}])
    page = ann.get(f"{LIST}{decision}/change/").content.decode()
    assert "0 of 1 changed since the decision" in page
    assert "because of budget.move" in page
    caller.client.patch(
        f"/api/v1/memories/{memory}", '{"content": "The shop opens at ten"}', content_type="application/json",
        headers={"authorization": f"Bearer {caller.token}", "if-match": "*"},
    )  # fmt: skip
    page = ann.get(f"{LIST}{decision}/change/").content.decode()
    assert "1 of 1 changed since the decision" in page
    assert "version 1" in page
    assert "version 2, active" in page
    assert "The shop opens at nine" in page
    assert "The shop opens at ten" in page
    caller.delete(f"/api/v1/memories/{memory}")
    page = ann.get(f"{LIST}{decision}/change/").content.decode()
    assert "gone" in page
    assert "opens at" not in page


def test_page_query_count_does_not_grow_with_citations(caller, ann):
    memories = [caller.store(f"memory {number}") for number in range(12)]

    def queries(count):
        decision = put(caller, memories=[{"id": each, "version": 1} for each in memories[:count]])
        with CaptureQueriesContext(connection) as found:
            page = ann.get(f"{LIST}{decision}/change/").content.decode()
        assert f"0 of {count} changed since the decision" in page
        return len(found)

    queries(1)
    assert queries(1) == queries(12) <= 16


def test_page_shows_previous_verdicts(caller, ann):
    decision = put(caller)
    assert "none yet" in ann.get(f"{LIST}{decision}/change/").content.decode()
    judge(ann, decision, "overturn", "the <b>forecast</b> was old")
    page = ann.get(f"{LIST}{decision}/change/").content.decode()
    assert "<b>overturn</b> by ann: the &lt;b&gt;forecast&lt;/b&gt; was old" in page


def test_a_verdict_leads_to_the_next(caller, ann):
    first, second, third = (put(caller, confidence=number / 10) for number in (1, 2, 3))
    assert ann.get(f"{LIST}next/").url == f"{LIST}{first}/change/"
    assert ann.get(f"{LIST}start/").url == f"{LIST}{first}/change/"
    assert judge(ann, first, "approve").url == f"{LIST}{second}/change/"
    assert state(caller, first) == "waiting_second"
    # not the first again: it waits for somebody else
    assert ann.get(f"{LIST}next/?after={third}").url == f"{LIST}{second}/change/"
    assert judge(ann, second, "information").url == f"{LIST}{third}/change/"
    assert judge(ann, third, "overturn").url == LIST
    ben = member(caller, "ben")
    assert ben.get(f"{LIST}next/").url == f"{LIST}{first}/change/"
    judge(ben, first, "approve")
    assert state(caller, first) == "approved"


def test_next_skips_own_and_assigned_decisions(caller, ann):
    own = put(caller, by=Actor(ActorKind.STAFF, "ann"))
    theirs, mine = put(caller), put(caller)
    ben = member(caller, "ben")
    bulk(ben, "assign_to_me", [theirs])
    assert ann.get(f"{LIST}next/").url == f"{LIST}{mine}/change/"
    assert ben.get(f"{LIST}next/").url == f"{LIST}{own}/change/"
    assert judge(ann, own, "approve").url == f"{LIST}{own}/change/"
    assert state(caller, own) == "open"


def test_refused_verdict_is_explained(caller, ann):
    decision = put(caller)
    page = ann.post(f"{LIST}{decision}/judge/overturn/", {"reason": " "}, follow=True).content.decode()
    assert "A reason is required" in page
    assert "Unknown verdict" in ann.post(f"{LIST}{decision}/judge/maybe/", follow=True).content.decode()
    assert state(caller, decision) == "open"
    assert ann.get(f"{LIST}{decision}/judge/approve/").status_code == 405


def test_bulk_verdicts_are_recorded_one_by_one(caller, ann):
    memories = [caller.store(f"memory {number}") for number in range(3)]
    with tenant_transaction(caller.organisation):
        stores = list(DecisionRecord.objects.filter(operation="memory.store").values_list("id", flat=True))
    for each in stores:
        ann.post(f"/admin/accountability/reviewcase/{each}/ask/")
    own = put(caller, by=Actor(ActorKind.STAFF, "ann"), risk_class="high")
    assert "3 failed: A reason is required" in bulk(ann, "overturn_chosen", stores)
    page = bulk(ann, "overturn_chosen", [*stores, own], "all from a bad import")
    assert "3: Overturned." in page
    assert "1 failed: This is your own decision; another reviewer must review it." in page
    assert {caller.get(f"/api/v1/memories/{each}").json()["state"] for each in memories} == {"contested"}
    with tenant_transaction(caller.organisation):
        verdicts = DecisionRecord.objects.filter(operation="decision.review")
        assert {each.actor_id for each in verdicts} == {"ann"}
        assert len(verdicts) == 3


def test_assignment_is_recorded_and_limited_to_reviewers(caller, ann):
    decisions = [put(caller), put(caller)]
    member(caller, "ben")
    member(caller, "cleo", role="auditor")
    for name in ("cleo", "nobody", ""):
        assert "No reviewer of that name" in bulk(ann, "assign_to_named", decisions, name)
    assert "2 assigned to ben" in bulk(ann, "assign_to_named", decisions, "ben")
    assert listed(ann, "?assigned=nobody") == []
    bulk(ann, "assign_to_me", decisions[:1])
    assert listed(ann, "?assigned=me") == [str(decisions[0])]
    bulk(ann, "assign_to_nobody", decisions)
    assert len(listed(ann, "?assigned=nobody")) == 2
    with tenant_transaction(caller.organisation):
        assert DecisionRecord.objects.filter(operation="decision.assign", actor_id="ann").count() == 3


@pytest.mark.parametrize("role", ["auditor", "curator"])
def test_non_reviewer_may_look(caller, role):
    decision = put(caller)
    client = member(caller, "cleo", role)
    assert listed(client) == [str(decision)]
    page = client.get(f"{LIST}{decision}/change/")
    assert page.status_code == 200
    assert "judge/approve" not in page.content.decode()
    assert judge(client, decision, "approve").status_code == 403
    assert client.get(f"{LIST}next/").status_code == 403
    assert client.post(f"{LIST}{decision}/ask/").status_code == 403
    bulk(client, "approve_chosen", [decision])
    assert state(caller, decision) == "open"


def test_a_decision_can_be_put_into_the_queue_from_its_page(caller, ann):
    decision = put(caller, risk_class="minimal")
    page = f"/admin/accountability/decisionrecord/{decision}/change/"
    assert "Request review" in ann.get(page).content.decode()
    assert ann.post(f"{LIST}{decision}/ask/").url == f"{LIST}{decision}/change/"
    ann.post(f"{LIST}{decision}/ask/")
    assert listed(ann) == [str(decision)]
    assert "Request review" not in ann.get(page).content.decode()
    with tenant_transaction(caller.organisation):
        assert DecisionRecord.objects.filter(operation="decision.ask_for_review").count() == 1


def test_an_overturned_decision_has_no_buttons(caller, ann):
    decision = put(caller, risk_class="limited")
    review(
        organisation=caller.organisation, by=AGENT_2, decision=decision, verdict=Verdict.OVERTURN, reason="no"
    )
    page = ann.get(f"{LIST}{decision}/change/").content.decode()
    assert "Overturned: requested, limited risk" in page
    assert "judge/approve" not in page


AGENT_2 = Actor(ActorKind.API_KEY, "agent-2")


def test_only_owners_change_the_rules(caller, ann):
    add = "/admin/accountability/reviewpolicy/add/"
    form = {"risk_classes": ["limited"], "confidence_below": "0.3", "effects": ["write"], "sample_share": "0.1",
            "second_reviewer": []}  # fmt: skip
    assert ann.post(add, form).status_code == 403
    owner = member(caller, "olga", "owner")
    assert owner.post(add, form).status_code == 302
    assert caller.get("/api/v1/reviews/policy").json() == {
        "risk_classes": ["limited"], "confidence_below": 0.3, "effects": ["write"], "sample_share": 0.1,
        "second_reviewer": [],
    }  # fmt: skip
    change = f"/admin/accountability/reviewpolicy/{caller.organisation}/change/"
    assert owner.get(add).url == change
    assert owner.post(change, form | {"confidence_below": "2"}).status_code == 200
    assert owner.post(change, form | {"confidence_below": "0.2"}).status_code == 302
    with tenant_transaction(caller.organisation):
        assert DecisionRecord.objects.filter(operation="review.policy", actor_id="olga").count() == 2


def test_another_organisations_queue_is_not_seen(caller, ann):
    rival = make_caller("Rival")
    theirs = put(rival)
    assert listed(ann) == []
    assert ann.get(f"{LIST}{theirs}/change/").status_code == 302
    judge(ann, theirs, "approve")
    assert state(rival, theirs) == "open"
