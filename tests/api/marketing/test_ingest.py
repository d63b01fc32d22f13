"""`POST /marketing/ingest`: bad input, repeats and restatements, and what happens to the rows of memories that change."""

import json

import pytest
from django.db import connection

from liftos.kernel.db.transactions import tenant_transaction
from tests.factories.principals import key_of, principal_of

JANUARY = {"date_range_start": "2024-01-01", "date_range_end": "2024-01-31"}


def batch(*entries, source="manual", **more):
    return {"data_source": source, "data_entries": list(entries), **JANUARY} | more


def total(caller, name="total_spend", **more):
    asked = {"data_sources": ["manual", "meta_business", "google_ads", "stripe"], **JANUARY} | more
    response = caller.post("/marketing/insights", asked)
    assert response.status_code == 200, response.content
    return response.json()["data"][name]


def rows(caller):
    with tenant_transaction(caller.organisation), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM marketing_entry")
        return cursor.fetchone()[0]


GOOD = {"id": "good", "spend": 1}
BAD = {
    "text": ({"id": "1", "spend": "a lot"}, "spend"),
    "text of a source that writes numbers": ({"id": "1", "spend": "12.5"}, "spend"),
    "boolean": ({"id": "1", "clicks": True}, "clicks"),
    "huge": ({"id": "1", "spend": 1e308}, "spend"),
    "negative count": ({"id": "1", "clicks": -1}, "clicks"),
    "list": ({"id": "1", "revenue": [1]}, "revenue"),
    "reversed": ({"id": "1", "spend": 1, "date_start": "2024-01-02", "date_stop": "2024-01-01"}, "date_stop"),
    "no date": ({"id": "1", "spend": 1, "date": "soon"}, "date"),
    "impossible date": ({"id": "1", "spend": 1, "date": "2024-02-30"}, "date"),
    "long campaign": ({"id": "1", "spend": 1, "campaign_id": "c" * 10_000}, "campaign_id"),
    "long id": ({"id": "x" * 201, "spend": 1}, "id"),
    "currency": ({"id": "1", "spend": 1, "currency": "euro"}, "currency"),
    "no object": ("spend 5", None),
}


def test_an_entry_at_fault_is_named_and_nothing_is_stored(acme):
    for name, (entry, field) in BAD.items():
        refused = acme.post("/marketing/ingest", batch(GOOD, entry))
        assert refused.status_code == 422, (name, refused.content)
        [item] = refused.json()["detail"]
        assert item["loc"] == ["body", "data_entries", 1, *([field] if field else [])], name
        assert len(refused.content) < 1_000
    nan = json.dumps(batch(GOOD, {"id": "1", "spend": float("nan")}))
    refused = acme.send("/marketing/ingest", nan, "application/json")
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (
        422,
        ["body", "data_entries", 1, "spend"],
    )
    assert rows(acme) == 0
    assert acme.get("/analytics").json()["data"]["total_memories"] == 0


def test_a_batch_at_fault_names_its_field(acme):
    for body, field in (
        (batch(GOOD, source="fax"), "data_source"),
        (batch(GOOD, date_range_start="2024-02-01"), "date_range_end"),
        (batch(GOOD, date_range_start="yesterday"), "date_range_start"),
        (batch(GOOD) | {"data_entries": {}}, "data_entries"),
        ({"data_source": "manual", **JANUARY}, "data_entries"),
        (batch(GOOD, metadata={"a": "b" * 10_000}), "metadata"),
    ):
        refused = acme.post("/marketing/ingest", body)
        assert refused.status_code == 422, body
        assert refused.json()["detail"][0]["loc"] == ["body", field]
    for second, field in (
        ({"id": "good", "spend": 2}, "id"),
        ({"id": "b", "spend": 2, "currency": "USD"}, "currency"),
    ):
        refused = acme.post("/marketing/ingest", batch(GOOD | {"currency": "EUR"}, second))
        assert refused.json()["detail"][0]["loc"] == ["body", "data_entries", 1, field]
    assert rows(acme) == 0


def test_partial_stores_the_good_ones_and_names_the_others(acme):
    bad = [entry for entry, _ in BAD.values()]
    answer = acme.post("/marketing/ingest?partial=true", batch(*bad, GOOD)).json()
    assert answer["message"] == "Successfully ingested 1 marketing data entries"
    assert [each["loc"][2] for each in answer["data"]["rejected"]] == list(range(len(bad)))
    assert total(acme) == 1


def test_an_entry_again_is_not_doubled_and_a_restated_one_changes_the_sums(acme):
    entry = {"id": "1", "campaign_id": "c", "spend": 10, "date": "2024-01-05"}
    first = acme.post("/marketing/ingest", batch(entry)).json()["data"]["stored_entries"][0]
    again = acme.post("/marketing/ingest", batch(entry)).json()["data"]["stored_entries"][0]
    assert again == first | {"outcome": "unchanged"}
    other_day = acme.post("/marketing/ingest", batch(entry | {"date": "2024-01-06"})).json()["data"][
        "stored_entries"
    ][0]
    assert other_day["memory_id"] != first["memory_id"]
    restated = acme.post("/marketing/ingest", batch(entry | {"spend": 12.5})).json()["data"][
        "stored_entries"
    ][0]
    assert (restated["memory_id"], restated["outcome"]) == (first["memory_id"], "changed")
    assert total(acme) == 22.5
    memory = acme.get(f"/api/v1/memories/{first['memory_id']}").json()
    assert (memory["version"], memory["metadata"]["spend"]) == (2, 12.5)


def test_a_large_batch_of_restatements_leaves_vectors_to_the_workers(acme):
    for spend in (1, 2):
        some = [{"id": str(n), "spend": spend} for n in range(101)]
        answer = acme.post("/api/v1/marketing/entries", {
            "data_source": "manual", "entries": some, "date_from": "2024-01-01", "date_to": "2024-01-31",
        })  # fmt: skip
        assert answer.status_code == 200, answer.content
    assert (answer.json()["changed"], total(acme), rows(acme)) == (101, 202, 101)
    memory = acme.get(f"/api/v1/memories/{answer.json()['results'][0]['memory_id']}").json()
    assert (memory["version"], memory["embedding"], memory["metadata"]["spend"]) == (2, "pending", 2)


def test_entries_without_an_id_are_told_apart_by_what_they_say(acme):
    for _ in range(2):
        assert acme.post("/marketing/ingest", batch({"spend": 1}, {"spend": 2})).status_code == 200
    assert (total(acme), rows(acme)) == (3, 2)


def test_rows_follow_their_memories(acme):
    ids = [
        each["memory_id"]
        for each in acme.post(
            "/marketing/ingest",
            batch(*({"id": str(n), "spend": 10**n, "campaign_name": "Quetzal"} for n in range(4))),
        ).json()["data"]["stored_entries"]
    ]
    assert total(acme) == 1111
    assert acme.post(f"/api/v1/memories/{ids[0]}/reject", {"reason": "wrong"}).status_code == 200
    assert total(acme) == 1110
    memory = acme.get(f"/api/v1/memories/{ids[1]}").json()
    changed = acme.patch(
        f"/api/v1/memories/{ids[1]}", {"metadata": memory["metadata"] | {"spend": 20}}, **{"if-match": '"1"'}
    )
    assert changed.status_code == 200
    assert total(acme) == 1120
    emptied = acme.patch(f"/api/v1/memories/{ids[1]}", {"metadata": {"spend": 5}}, **{"if-match": '"2"'})
    assert emptied.status_code == 200
    assert total(acme) == 1100
    erased = acme.delete(f"/api/v1/memories/{ids[2]}").json()["erasure_id"]
    assert acme.get(f"/api/v1/erasures/{erased}").json()["removed"]["marketing_entries"] == 1
    assert (total(acme), rows(acme)) == (1000, 2)


def test_each_caller_adds_up_what_they_see(acme, rival):
    hers = key_of(acme, principal_of(acme, "ann"))
    stored = hers.post("/marketing/ingest", batch({"id": "1", "spend": 1}, {"id": "2", "spend": 2}))
    memory = stored.json()["data"]["stored_entries"][1]["memory_id"]
    assert (total(hers), total(acme), total(rival)) == (3, 3, 0)
    private = {"visible_to": {"principal": "ann"}}
    moved = hers.patch(f"/api/v1/memories/{memory}", private, **{"if-match": '"1"'})
    assert moved.status_code == 200, moved.content
    assert (total(hers), total(acme), rows(acme)) == (3, 1, 1)


def test_amounts_of_currencies_are_not_added(acme):
    for currency in ("EUR", "USD"):
        acme.post("/marketing/ingest", batch({"id": currency, "spend": 5, "currency": currency}))
    refused = acme.post("/marketing/insights", {"data_sources": ["manual"], **JANUARY})
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"] == ["body", "filters", "currency"]
    assert total(acme, filters={"currency": "EUR"}) == 5


def test_ten_thousand_entries_are_one_decision(acme):
    entries = [{"id": str(n), "spend": 0.01, "campaign_id": f"c{n % 7}"} for n in range(10_000)]
    answer = acme.post("/marketing/ingest", batch(*entries))
    assert answer.status_code == 200, answer.content[:500]
    assert total(acme) == 100
    decisions = acme.get("/api/v1/decisions?operation=memory.ingest_marketing").json()["results"]
    assert len(decisions) == 1
    assert acme.post("/marketing/ingest", batch(*entries, GOOD)).status_code == 422


@pytest.mark.parametrize(
    ("source", "entry", "revenue"),
    [
        ("stripe", {"id": "ch_1", "object": "charge", "amount": 1999, "currency": "usd", "created": 1705276800}, 19.99),
        ("stripe", {"id": "ch_2", "object": "charge", "amount": 1999, "currency": "jpy", "created": 1705276800}, 1999),
        ("stripe", {"id": "row", "amount": 19.99, "created_at": "2024-01-15T10:00:00Z"}, 19.99),
        ("shopify", {"id": 7, "total_price": "19.99", "created_at": "2024-01-15T23:30:00-05:00"}, 19.99),
        ("paypal", {"id": "p", "amount": {"value": "5.10", "currency_code": "EUR"}}, 5.1),
    ],
)  # fmt: skip
def test_platforms_write_amounts_in_their_own_way(acme, source, entry, revenue):
    [stored] = acme.post("/marketing/ingest", batch(entry, source=source)).json()["data"]["stored_entries"]
    assert stored["metrics"]["revenue"] == revenue
    metadata = acme.get(f"/api/v1/memories/{stored['memory_id']}").json()["metadata"]
    if "amount" not in entry or not isinstance(entry["amount"], dict):
        assert metadata["date"] == "2024-01-15"
    if source == "shopify":
        assert metadata["time_zone"] == "-05:00"


def test_amounts_of_more_digits_than_answers_give_back_are_refused(acme):
    refused = acme.post(
        "/marketing/ingest", batch({"id": "1", "spend": "123456789012345.678"}, source="shopify")
    )
    assert (refused.status_code, refused.json()["detail"][0]["type"]) == (422, "too_many_digits")
