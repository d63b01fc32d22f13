"""`GET /api/v1/marketing/entries` and one entry; entries' rows when their memories move or go."""

from datetime import timedelta
from io import StringIO

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from liftos.kernel.db.transactions import tenant_transaction, whole_tenant
from liftos.kernel.db.viewers import seeing_everything
from memory.models import Memory
from memory.tasks import sweep_lives
from tests.api.marketing.test_table import V1, store
from tests.api.routes import NOBODYS_ID
from tests.conftest import make_caller
from tests.factories.principals import key_of, principal_of

LIST = f"{V1}/entries"


def ids_of(answer):
    assert answer.status_code == 200, answer.content
    return [each["source_id"] for each in answer.json()["results"]]


def rows(caller):
    with tenant_transaction(caller.organisation), connection.cursor() as cursor:
        cursor.execute("SELECT source_id, counts FROM marketing_entry ORDER BY source_id")
        return dict(cursor.fetchall())


def test_entries_are_listed_page_by_page_and_read_one_by_one(acme, rival):
    some = [
        {"id": str(n), "spend": n, "campaign_id": f"c{n % 2}", "date": f"2024-01-0{n + 1}", "currency": "EUR"}
        for n in range(5)
    ]
    stored = store(acme, *some).json()["results"]
    store(
        acme,
        {"id": "meta", "spend": "7.25", "date_start": "2024-02-01", "date_stop": "2024-02-07"},
        source="meta_business",
    )
    store(rival, {"id": "theirs", "spend": 1})
    first = acme.get(f"{LIST}?limit=4").json()
    assert (first["total"], [each["source_id"] for each in first["results"]]) == (6, ["meta", "4", "3", "2"])
    assert ids_of(acme.get(first["next"])) == ["1", "0"]
    assert acme.get(first["next"]).json()["next"] is None
    for query, wanted in (
        ("data_sources=meta_business", ["meta"]),
        ("campaign_id=c1", ["3", "1"]),
        ("date_from=2024-01-02&date_to=2024-01-03", ["2", "1"]),
        ("date_from=2024-02-07", ["meta"]),
        ("currency=eur&campaign_id=c0", ["4", "2", "0"]),
        ("channel=nowhere", []),
    ):
        answer = acme.get(f"{LIST}?{query}")
        assert (ids_of(answer), answer.json()["total"]) == (wanted, len(wanted)), query
    wanted = {
        "id": stored[1]["id"], "memory_id": stored[1]["memory_id"], "data_source": "manual", "source_id": "1",
        "date_from": "2024-01-02", "date_to": "2024-01-02", "campaign_id": "c1", "campaign_name": "", "geo": "", "currency": "EUR",
        "time_zone": "", "counts": True,
    }  # fmt: skip
    for key in ("id", "memory_id"):
        one = acme.get(f"{LIST}/{stored[1][key].upper()}").json()
        assert {name: one[name] for name in wanted} == wanted
        assert (one["figures"]["spend"], one["figures"]["clicks"]) == (1, None)
        assert rival.get(f"{LIST}/{stored[1][key]}").status_code == 404
    assert acme.get(f"{LIST}/{NOBODYS_ID}").json()["code"] == "marketing.entry_not_found"
    for query, field in (
        ("data_sources=mata_business", "data_sources"), ("date_from=2024-02-30", "date_from"), ("cursor=x", "cursor"),
        ("date_from=2024-02-02&date_to=2024-02-01", "date_to"), ("limit=201", "limit"), ("campaign=c1", "campaign"),
        ("campaign_id=%00", "campaign_id"),
    ):  # fmt: skip
        refused = acme.get(f"{LIST}?{query}")
        assert (refused.status_code, refused.json()["errors"][0]["loc"]) == (422, ["query", field]), query


def test_entries_that_no_longer_count_are_not_listed_but_read(acme):
    [entry] = store(acme, {"id": "1", "spend": 1}).json()["results"]
    assert acme.post(f"/api/v1/memories/{entry['memory_id']}/reject", {"reason": "wrong"}).status_code == 200
    assert acme.get(LIST).json() == {"results": [], "next": None, "total": 0}
    assert acme.get(f"{LIST}/{entry['id']}").json()["counts"] is False


def test_an_entry_that_one_principal_sees_is_listed_for_it_alone(acme):
    hers = key_of(acme, principal_of(acme, "ann"))
    [entry] = store(hers, {"id": "private", "spend": 1}).json()["results"]
    path, private = f"/api/v1/memories/{entry['memory_id']}", {"visible_to": {"principal": "ann"}}
    moved = hers.patch(path, private, **{"if-match": '"1"'})
    assert moved.status_code == 200, moved.content
    assert [caller.get(LIST).json()["total"] for caller in (hers, acme)] == [1, 0]
    assert [caller.get(f"{LIST}/{entry['id']}").status_code for caller in (hers, acme)] == [200, 404]


def test_rows_move_with_an_export_and_go_with_retention_and_a_persons_erasure(acme, tmp_path):
    store(acme, {"id": "kept", "spend": 12.34, "campaign_id": "c", "currency": "EUR"})
    anns = {
        "data_source": "manual",
        "entries": [{"id": "anns", "spend": 1}],
        "date_from": "2024-01-01",
        "date_to": "2024-12-31",
    }
    assert acme.post(LIST, anns, **{"x-user-id": "ann"}).status_code == 200
    [wrong] = store(acme, {"id": "wrong", "spend": 5}).json()["results"]
    assert acme.post(f"/api/v1/memories/{wrong['memory_id']}/reject", {"reason": "wrong"}).status_code == 200
    before = {"anns": True, "kept": True, "wrong": False}
    assert rows(acme) == before

    taker = make_caller("Taker")
    path = tmp_path / "export.jsonl"
    call_command("export_memories", acme.slug, path, stderr=StringIO())
    for _ in range(2):
        call_command("import_memories", taker.slug, path, stdout=StringIO(), stderr=StringIO())
        assert rows(taker) == before
    ours, theirs = (caller.get(f"{V1}/insights").json() for caller in (acme, taker))
    assert ours == theirs
    assert theirs["totals"]["spend"] == 13.34
    [again] = store(taker, {"id": "anns", "spend": 1}).json()["results"]
    assert again["outcome"] == "unchanged"

    erased = acme.post("/api/v1/subjects/user/ann/erase", {"reason": "asked"})
    assert erased.status_code == 200, erased.content
    assert rows(acme) == {"kept": True, "wrong": False}

    rule = {"name": "old", "ttl_seconds": 86_400, "source": "manual"}
    assert acme.post("/api/v1/retention", rule).status_code == 201
    with whole_tenant(acme.organisation):
        Memory.objects.filter(external_id__startswith="kept@").update(
            recorded_at=timezone.now() - timedelta(days=2)
        )
    with seeing_everything():
        sweep_lives()
    assert acme.get(LIST).json()["total"] == 0
    assert rows(taker) == before
