"""`/api/v1/marketing/entries`, `/table` and `/insights`: exact sums, and what the table's report finds."""

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflows.marketing.reading import read_entries
from workflows.marketing.series import doubtful_series
from workflows.marketing.table import add
from workflows.marketing.types import DataSource

V1 = "/api/v1/marketing"
MONDAY = date(2024, 1, 1)


def store(caller, *entries, source="manual", **more):
    body = {
        "data_source": source,
        "entries": list(entries),
        "date_from": "2024-01-01",
        "date_to": "2024-12-31",
    } | more
    return caller.post(f"{V1}/entries", body)


def weekly(channel, spends, *, start=MONDAY, **more):
    return [
        {
            "id": f"{channel} {n}",
            "channel": channel,
            "spend": spend,
            "clicks": 10,
            "date": str(start + timedelta(weeks=n)),
        }
        | more
        for n, spend in enumerate(spends)
        if spend is not None
    ]


def test_the_table_has_exact_sums_by_week_and_channel_in_three_formats(acme, rival):
    entries = [
        {
            "id": str(n),
            "channel": "search" if n % 2 else "social",
            "geo": "DE",
            "spend": 0.1,
            "date": str(MONDAY + timedelta(days=n)),
        }
        for n in range(14)
    ]
    answer = store(acme, *entries)
    assert answer.status_code == 200, answer.content
    assert (answer.json()["stored"], answer.json()["results"][0]["figures"]["clicks"]) == (14, None)
    assert answer.json()["decision_id"]
    table = acme.get(f"{V1}/table?grain=week&by=geo,channel&metrics=spend,clicks,roas").json()
    assert table["columns"] == ["period", "geo", "channel", "spend", "clicks", "roas"]
    assert table["data"] == [
        {"period": period, "geo": "DE", "channel": channel, "spend": spend, "clicks": None, "roas": None}
        for period, channel, spend in (
            ("2024-01-01", "search", 0.3), ("2024-01-01", "social", 0.4), ("2024-01-08", "search", 0.4), ("2024-01-08", "social", 0.3),
        )
    ]  # fmt: skip
    assert (table["totals"]["spend"], table["totals"]["clicks"]) == (1.4, None)
    csv_answer = acme.get(f"{V1}/table?by=geo,channel&metrics=spend&format=csv")
    assert csv_answer["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(csv_answer.content.decode())))
    assert sum(Decimal(row["spend"]) for row in rows) == Decimal("1.4")
    parquet = pq.read_table(
        io.BytesIO(acme.get(f"{V1}/table?by=geo,channel&format=parquet").content)
    ).to_pylist()
    assert [row["spend"] for row in parquet] == [row["spend"] for row in table["data"]]
    assert parquet[0]["period"] == MONDAY
    days = acme.get(f"{V1}/table?grain=day&by=&date_to=2024-01-03").json()
    assert [row["period"] for row in days["data"]] == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert rival.get(f"{V1}/table").json()["data"] == []

    sums = acme.get(f"{V1}/insights?group_by=channel,month&channel=search").json()
    assert (sums["entries"], sums["totals"]["spend"], sums["totals"]["cpc"]) == (7, 0.7, None)
    assert sums["groups"][0] | {"channel": "search", "month": "2024-01", "spend": 0.7} == sums["groups"][0]


def test_the_report_names_what_is_doubtful(acme):
    noise = [100, 110, 95, 104, 99, 120, 101, 98, 107, 103]
    micros = [spend * (1 if n < 5 else 1_000_000) for n, spend in enumerate(noise)]
    entries = [
        *weekly("gap", [1, 2, None, None, 5]),
        *weekly("one", noise),
        *weekly("two", [2 * each for each in noise]),
        *weekly("unit", micros),
        *weekly("break", [10 * each if n >= 5 else each for n, each in enumerate(reversed(noise))]),
        {"id": "refund", "channel": "refund", "spend": -5, "date": "2024-01-01"},
        {"id": "long", "channel": "long", "spend": 5, "date_start": "2024-01-01", "date_stop": "2024-01-09"},
        *(
            {"id": f"twin {n}", "campaign_id": "c", "channel": "twin", "spend": 5, "date": "2024-01-01"}
            for n in "ab"
        ),
    ]
    assert store(acme, *entries).status_code == 200
    report = acme.get(f"{V1}/table").json()["report"]
    assert report["entries"] == len(entries)
    assert report["gaps"] == {"count": 1, "first": [{"group": ["gap"], "first": "2024-01-15", "periods": 2}]}
    assert (report["negative_spend"]["count"], report["negative_spend"]["first"][0]["source_id"]) == (
        1,
        "refund",
    )
    assert report["reaching_into_another_period"] == 1
    [double] = report["duplicates"]
    assert (double["count"], double["source_ids"]) == (2, ["twin a", "twin b"])
    assert [(each["series"], each["period"]) for each in report["unit_changes"]] == [("unit", "2024-02-05")]
    assert [(each["series"], each["period"]) for each in report["breaks"]] == [("break", "2024-02-05")]
    assert ["one", "two"] in [each["series"] for each in report["collinear"]]


def test_bad_queries_name_their_field(acme):
    for query, field in (
        ("by=weather", "by"), ("metrics=luck", "metrics"), ("grain=month", "grain"), ("format=xls", "format"),
        ("data_sources=fax", "data_sources"), ("date_from=2024-02-01&date_to=2024-01-01", "date_to"), ("chanel=a", "chanel"),
    ):  # fmt: skip
        refused = acme.get(f"{V1}/table?{query}")
        assert refused.status_code == 422, query
        assert refused.json()["errors"][0]["loc"] == ["query", field]
    for body, place in (
        ({"entries": [{"spend": "x"}]}, ["body", "entries", 0, "spend"]),
        ({"entries": [{"spend": 1}], "partal": True}, ["body", "partal"]),
        ({"entries": []}, ["body", "entries"]),
    ):
        refused = store(acme, **body)
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["loc"] == place


def test_parquet_without_its_package_says_what_to_install(acme, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    refused = acme.get(f"{V1}/table?format=parquet")
    assert (refused.status_code, refused.json()["code"]) == (422, "marketing.parquet_not_installed")
    assert "liftos-core[parquet]" in refused.json()["detail"]


cents = st.integers(-(10**13), 10**13).map(lambda value: float(f"{value / 100:.2f}"))


@given(st.lists(cents, min_size=1, max_size=40))
@settings(max_examples=100)
def test_sums_equal_the_sources_to_the_cent(amounts):
    entries = [{"id": str(n), "spend": amount} for n, amount in enumerate(amounts)]
    batch = read_entries(DataSource.MANUAL, entries, MONDAY, MONDAY, loc=())
    assert not batch.problems
    total = add(draft.figures for draft in batch.drafts.values())["spend"]
    assert total == sum((Decimal(repr(each)) for each in amounts), Decimal(0))
    assert total * 100 == sum(round(Decimal(repr(each)) * 100) for each in amounts)


def test_a_steady_series_is_not_doubted():
    rows = [(MONDAY + timedelta(weeks=n), "a", {"spend": Decimal(100 + n % 3)}) for n in range(52)]
    assert doubtful_series(rows) == {"unit_changes": [], "breaks": [], "collinear": []}


@pytest.mark.parametrize("place", range(20, 30))
def test_one_change_is_found_where_it_is(place):
    rows = [
        (MONDAY + timedelta(weeks=n), "a", {"spend": Decimal(100 if n < place else 1000)}) for n in range(52)
    ]
    [found] = doubtful_series(rows)["breaks"]
    assert found["period"] == str(MONDAY + timedelta(weeks=place))
