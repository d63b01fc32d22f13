"""GET /api/v1/decisions narrowed by time, actor and effect, with counts."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from accountability.conditions import newest
from accountability.operations import record
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM, Actor, ActorKind

LIST = "/api/v1/decisions"


def put(caller, actor="alice", *, kind=ActorKind.STAFF, behalf="", effect="write", operation="audit.test"):
    with tenant_transaction(caller.organisation):
        made = record(
            organisation=caller.organisation,
            by=Actor(kind, actor, behalf),
            operation=operation,
            reasoning="r",
            effect=effect,
        )
    return str(made)


def found(caller, query):
    answer = caller.get(f"{LIST}?{query}")
    assert answer.status_code == 200, answer.content
    return [each["id"] for each in answer.json()["results"]]


def test_an_actor_is_found_by_kind_and_id_by_id_and_by_whom_it_was_for(acme):
    alice, gateway = put(acme), put(acme, kind=ActorKind.GATEWAY)
    behalf, bob = put(acme, "agent", behalf="alice"), put(acme, "bob")
    odd = put(acme, "staff:alice")
    assert found(acme, "actor=alice") == [behalf, gateway, alice]
    assert found(acme, "actor=staff:alice") == [odd, alice]
    assert found(acme, "actor=gateway:alice") == [gateway]
    assert found(acme, "actor=bob") == [bob]
    assert found(acme, "actor=staff:") == found(acme, "actor=nobody") == []


def test_effects_narrow_alone_and_with_an_actor(acme):
    wrote, read, deleted = (put(acme, effect=effect) for effect in ("write", "read", "delete"))
    put(acme, "bob", effect="delete")
    mine = "operation=audit.test&actor=alice"
    assert found(acme, f"{mine}&effect=write") == [wrote]
    assert found(acme, f"{mine}&effect=read") == [read]
    assert found(acme, f"{mine}&effect=delete") == [deleted]
    assert len(found(acme, "operation=audit.test&effect=delete")) == 2


def test_times_bound_what_is_listed_both_inclusive(acme):
    first, second, third = (put(acme) for _ in range(3))
    moment = acme.get(f"{LIST}/{second}").json()["recorded_at"]
    assert found(acme, f"actor=alice&since={moment}") == [third, second]
    assert found(acme, f"actor=alice&until={moment}") == [second, first]
    assert found(acme, f"actor=alice&since={moment}&until={moment}") == [second]
    today = datetime.now(UTC).date()
    assert found(acme, f"actor=alice&until={today}") == [third, second, first]
    assert found(acme, f"actor=alice&since={today + timedelta(days=2)}") == []
    assert found(acme, f"actor=alice&until={today - timedelta(days=2)}") == []


@pytest.mark.parametrize("since", ["0001-01-01", "1969-12-31T23:00:00Z"])
@pytest.mark.parametrize("until", ["9999-12-31", "9999-12-31T23:59:59Z"])
def test_the_widest_period_is_everything(acme, since, until):
    made = put(acme)
    assert made in found(acme, f"since={since}&until={until}")


def test_total_counts_all_pages_and_is_told_only_on_request(acme):
    made = [put(acme, behalf="carol", effect=each) for each in ("read", "write", "delete", "write")]
    put(acme, "other")
    query = f"{LIST}?actor=carol&limit=3"
    assert set(acme.get(query).json()) == {"results", "next"}
    first = acme.get(f"{query}&total=true").json()
    assert list(first) == ["results", "next", "total"]
    second = acme.get(first["next"]).json()
    assert first["total"] == second["total"] == 4
    assert [each["id"] for each in first["results"] + second["results"]] == made[::-1]
    assert second["next"] is None
    assert acme.get(f"{LIST}?actor=carol&effect=write&total=true&limit=1").json()["total"] == 2
    assert acme.get(f"{LIST}?actor=nobody&total=true").json() == {"results": [], "next": None, "total": 0}


def test_an_actor_twice_named_counts_once(acme):
    put(acme, "alice", behalf="alice")
    assert acme.get(f"{LIST}?actor=alice&total=true").json()["total"] == 1
    assert len(found(acme, "actor=alice")) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("since=yesterday", "since"),
        ("until=", "until"),
        ("since=2026-02-30", "since"),
        ("since=2026-02-02&until=2026-02-01", "until"),
        ("effect=remove", "effect"),
        ("total=perhaps", "total"),
        ("actor=%00", "actor"),
        ("actors=alice", "actors"),
    ],
)
def test_invalid_condition_is_422_naming_it(acme, query, field):
    answer = acme.get(f"{LIST}?{query}")
    assert answer.status_code == 422
    assert [each["loc"] for each in answer.json()["errors"]] == [["query", field]]


def test_another_organisations_decisions_are_neither_listed_nor_counted(acme, rival):
    put(rival)
    assert acme.get(f"{LIST}?actor=alice&total=true").json() == {"results": [], "next": None, "total": 0}


@pytest.mark.parametrize(
    ("conditions", "index"),
    [
        ({"effect": "write"}, "decision_writing"),
        ({"effect": "delete"}, "decision_deleting"),
        ({"since": datetime(2026, 1, 1, tzinfo=UTC)}, "decision_of_organisation"),
    ],
)
def test_a_condition_is_answered_by_an_index(acme, rival, conditions, index):
    # so many that it makes a difference which index is read
    for caller in (acme, rival):
        with tenant_transaction(caller.organisation):
            for _ in range(200):
                record(organisation=caller.organisation, by=SYSTEM, operation="test", reasoning="read")
    with tenant_transaction(acme.organisation), connection.cursor() as cursor:
        cursor.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
        )
        rows = newest(organisation=acme.organisation, limit=5, before=None, conditions=conditions)
        plan = rows.explain()
    assert index in plan, plan
