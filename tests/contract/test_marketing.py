"""The old marketing routes: what the original's endpoint script sends, and sums worked out by hand."""

import pytest

META = {
    "data_source": "meta_business",
    "date_range_start": "2024-01-01",
    "date_range_end": "2024-01-31",
    "metadata": {"import_batch": "b1"},
    "data_entries": [
        {
            "id": "meta_1", "account_id": "a", "campaign_id": "c1", "campaign_name": "Winter Sale", "spend": "150.50", "impressions": "10000",
            "clicks": "250", "actions": [{"action_type": "purchase", "value": "10"}, {"action_type": "like", "value": "7"}],
            "action_values": [{"action_type": "purchase", "value": "500.25"}], "date_start": "2024-01-15", "date_stop": "2024-01-15",
        },
        {
            "id": "meta_2", "campaign_id": "c2", "campaign_name": "Brand", "spend": 49.50, "impressions": 5000, "clicks": 50,
            "actions": [], "date_start": "2024-01-20", "date_stop": "2024-01-20",
        },
    ],
}  # fmt: skip
GOOGLE = {
    "data_source": "google_ads",
    "date_range_start": "2024-01-01",
    "date_range_end": "2024-01-31",
    "data_entries": [
        {
            "id": "g_1", "campaign_id": "c1", "campaign_name": "Winter Sale", "cost_micros": 75_250_000, "impressions": 8_000, "clicks": 400,
            "conversions": 20.5, "conversion_value": 1_000.0, "date": "2024-01-15",
        },
        {"id": "g_2", "campaign_id": "g2", "cost_micros": 24_750_000, "impressions": 2000, "clicks": 100, "conversions": 4.5, "date": "2024-01-27"},
    ],
}  # fmt: skip
KLAVIYO = {
    "data_source": "klaviyo",
    "date_range_start": "2024-01-01",
    "date_range_end": "2024-01-31",
    "data_entries": [
        {"id": "k_1", "campaign_id": "k1", "campaign_name": "Newsletter", "delivered": 5_000, "opened": 1_250, "clicked": 200, "revenue": 800, "date": "2024-01-10"},
        {"id": "k_2", "campaign_id": "k2", "delivered": 3000, "opened": 900, "clicked": 100, "revenue": 299.99, "date": "2024-01-24"},
    ],
}  # fmt: skip
ALL = ["meta_business", "google_ads", "klaviyo"]
JANUARY = {"date_range_start": "2024-01-01", "date_range_end": "2024-01-31"}


@pytest.fixture
def script(acme):
    """The organisation after the script's three ingests, with their answers."""
    answers = {}
    for body in (META, GOOGLE, KLAVIYO):
        response = acme.post("/marketing/ingest", body)
        assert response.status_code == 200, response.content
        answers[body["data_source"]] = response.json()
    return acme, answers


def data(response):
    assert response.status_code == 200, response.content
    body = response.json()
    assert list(body) == ["success", "message", "data", "errors", "metadata"]
    assert body["success"] is True
    return body["data"]


def test_the_endpoint_script(script):
    acme, answers = script
    meta = answers["meta_business"]
    assert meta["message"] == "Successfully ingested 2 marketing data entries"
    assert meta["metadata"]["org_id"] == acme.slug
    assert meta["data"]["date_range"] == {"start": "2024-01-01", "end": "2024-01-31"}
    first, second = meta["data"]["stored_entries"]
    assert first["metrics"] == {
        "spend": 150.5, "impressions": 10_000, "clicks": 250, "conversions": 10, "revenue": 500.25,
        "cpm": 15.05, "cpc": 0.602, "ctr": 2.5, "conversion_rate": 4, "roas": pytest.approx(500.25 / 150.5),
    }  # fmt: skip
    assert second["metrics"]["roas"] == 0
    google = answers["google_ads"]["data"]["stored_entries"][0]["metrics"]
    assert (google["spend"], google["conversions"], google["revenue"]) == (75.25, 20.5, 1000)
    klaviyo = answers["klaviyo"]["data"]["stored_entries"][0]["metrics"]
    assert (klaviyo["impressions"], klaviyo["clicks"], klaviyo["revenue"], klaviyo["cpc"]) == (
        5000,
        200,
        800,
        0,
    )
    assert acme.get("/analytics").json()["data"]["memory_types"] == {
        "meta_business_data": 2, "google_ads_data": 2, "klaviyo_data": 2,
    }  # fmt: skip

    found = data(
        acme.post("/marketing/search", {"query": "winter sale", "data_sources": ALL, **JANUARY, "limit": 10})
    )
    assert {hit["metadata"]["campaign_id"] for hit in found["results"][:2]} == {"c1"}
    assert found["count"] == len(found["results"])
    metadata = next(hit["metadata"] for hit in found["results"] if hit["metadata"]["source_id"] == "meta_1")
    assert metadata | {
        "data_source": "meta_business", "date_range_start": "2024-01-15", "date_range_end": "2024-01-15", "campaign_id": "c1", "spend": 150.5,
        "impressions": 10_000, "clicks": 250, "conversions": 10, "revenue": 500.25, "year": 2024, "quarter": 1, "month": 1,
        "season": "winter", "import_batch": "b1", "entry_id": first["entry_id"],
    } == metadata  # fmt: skip
    only = data(
        acme.post(
            "/marketing/search",
            {
                "query": "campaign",
                "data_sources": ["google_ads"],
                "campaign_ids": ["c1"],
                "metrics": ["revenue", "reach"],
            }
            | JANUARY,
        )
    )
    assert [hit["metadata"]["source_id"] for hit in only["results"]] == ["g_1"]
    assert only["filters_applied"] == {
        "data_sources": ["google_ads"], "date_range_start": "2024-01-01", "date_range_end": "2024-01-31",
        "campaign_ids": ["c1"], "metrics": ["revenue"],
    }  # fmt: skip
    after = {"query": "campaign", "date_range_start": "2024-01-25", "search_type": "knowledge"}
    assert {
        hit["metadata"]["source_id"] for hit in data(acme.post("/marketing/search", after))["results"]
    } <= {"g_2"}


def test_insights_are_sums_of_everything(script):
    acme, _ = script
    asked = {
        "data_sources": ALL,
        **JANUARY,
        "group_by": ["date", "unknown"],
        "metrics": ["spend", "revenue", "roas"],
    }
    got = data(acme.post("/marketing/insights", asked))
    assert {name: got[f"total_{name}"] for name in ("spend", "impressions", "clicks", "conversions", "revenue")} == {
        "spend": 300, "impressions": 33_000, "clicks": 1_100, "conversions": 35, "revenue": 2600.24,
    }  # fmt: skip
    assert got["average_cpc"] == pytest.approx(300 / 1100)
    assert got["average_cpm"] == pytest.approx(300 / 33)
    assert got["average_ctr"] == pytest.approx(1100 / 330)
    assert got["conversion_rate"] == pytest.approx(3500 / 1100)
    assert got["roas"] == pytest.approx(2600.24 / 300)
    assert got["data_sources_summary"]["klaviyo"] == {
        "spend": 0, "impressions": 8000, "clicks": 300, "conversions": 0, "revenue": 1099.99,
    }  # fmt: skip
    assert got["top_campaigns"][0] == {
        "campaign_id": "c1", "campaign_name": "Winter Sale", "spend": 225.75, "conversions": 30.5, "revenue": 1500.25,
        "roas": pytest.approx(1500.25 / 225.75),
    }  # fmt: skip
    assert [each["campaign_id"] for each in got["top_campaigns"]] == ["c1", "k1", "k2", "g2", "c2"] or got[
        "top_campaigns"
    ][-1]["revenue"] == 0
    spend = got["performance_trends"]["spend"]
    assert [each["period"] for each in spend] == [
        "2024-01-10",
        "2024-01-15",
        "2024-01-20",
        "2024-01-24",
        "2024-01-27",
    ]
    assert {each["period"]: each["value"] for each in spend}["2024-01-15"] == 225.75
    assert got["performance_trends"]["roas"][1]["value"] == pytest.approx(1500.25 / 225.75)
    assert got["calendar_insights"]["season_averages"]["winter"]["spend"] == 60
    assert got["calendar_insights"]["weekday_averages"]["monday"]["spend"] == 225.75

    for group, periods in {
        "week": ["2024-W02", "2024-W03", "2024-W04"], "month": ["2024-01"], "quarter": ["2024-Q1"],
        "data_source": ["google_ads", "klaviyo", "meta_business"], "campaign_id": ["c1", "c2", "g2", "k1", "k2"],
        "campaign": ["Brand", "Newsletter", "Winter Sale", "g2", "k2"],
    }.items():  # fmt: skip
        trends = data(acme.post("/marketing/insights", asked | {"group_by": [group]}))["performance_trends"]
        assert sorted(each["period"] for each in trends["spend"]) == sorted(periods), group
        assert sum(each["value"] for each in trends["spend"]) == pytest.approx(300), group
    some = data(
        acme.post("/marketing/insights", asked | {"filters": {"campaign_id": ["c1"], "spend": {"$gt": 100}}})
    )
    assert (some["total_spend"], some["total_revenue"]) == (150.5, 500.25)
    batch = data(acme.post("/marketing/insights", asked | {"filters": {"import_batch": "b1"}}))
    assert batch["total_spend"] == 200
    nothing = data(
        acme.post(
            "/marketing/insights", asked | {"date_range_start": "2025-01-01", "date_range_end": "2025-01-31"}
        )
    )
    assert (nothing["total_spend"], nothing["roas"], nothing["top_campaigns"]) == (0, 0, [])


def test_the_calendar(acme):
    got = data(acme.get("/marketing/calendar/2024?country=us&fiscal_year_start=10"))
    days = {each["date"]: each for each in got["calendar_dimensions"]}
    assert (got["year"], got["total_days"], len(days)) == (2024, 366, 366)
    assert days["2024-12-25"] == {
        "date": "2024-12-25", "year": 2024, "quarter": 4, "month": 12, "week": 52, "day_of_year": 360, "day_of_month": 25,
        "day_of_week": 2, "is_weekend": False, "season": "winter", "is_holiday": True, "holiday_name": "Christmas Day",
        "fiscal_year": 2025, "fiscal_quarter": 1,
    }  # fmt: skip
    plain = data(acme.get("/marketing/calendar/2023"))
    assert plain["total_days"] == 365
    assert plain["calendar_dimensions"][0]["is_holiday"] is None
    for path, field in (
        ("abc", "year"),
        ("0", "year"),
        ("2024?country=xx", "country"),
        ("2024?fiscal_year_start=13", "fiscal_year_start"),
    ):
        refused = acme.get(f"/marketing/calendar/{path}")
        assert refused.status_code == 422, path
        assert refused.json()["detail"][0]["loc"][-1] == field


def test_the_export(script):
    acme, _ = script
    asked = {"data_sources": ALL, **JANUARY, "group_by": ["date"], "metrics": ["spend"]}
    got = data(acme.post("/marketing/export/causal?target_metric=revenue", asked))
    causal = got["causal_data"]
    assert (got["records_count"], got["target_metric"], causal["target_variable"]) == (
        6,
        "revenue",
        "revenue",
    )
    assert sum(each["spend"] or 0 for each in causal["time_series"]) == 300
    klaviyo = next(each for each in causal["time_series"] if each["source_id"] == "k_1")
    assert klaviyo["spend"] is None
    assert klaviyo["week"] == 2
    assert causal["statistical_summary"]["missing_values"]["spend"] == 2
    assert causal["statistical_summary"]["descriptive_stats"]["spend"]["mean"] == 75
    assert causal["correlation_matrix"]["spend"]["spend"] == pytest.approx(1)
    assert causal["export_metadata"]["records_count"] == 6
    assert "revenue" not in causal["features"]
    empty = acme.post(
        "/marketing/export/causal", asked | {"date_range_start": "2020-01-01", "date_range_end": "2020-01-02"}
    ).json()
    assert empty["message"] == "No marketing data found for the specified criteria"
    assert empty["data"] == {"causal_data": {}, "records_count": 0}
    assert acme.post("/marketing/export/causal?target_metric=luck", asked).status_code == 422


def test_the_transformation(acme):
    bare = data(acme.post("/marketing/transform", GOOGLE))
    assert bare == data(acme.post("/marketing/transform", {"request": GOOGLE})) | {
        "duration": bare["duration"]
    }
    record = bare["sample_record"]
    assert (record["spend"], record["revenue"], record["cpc"], record["season"]) == (
        75.25,
        1000,
        0.188125,
        "winter",
    )
    summary = bare["transformation_summary"]
    assert (summary["original_records"], summary["transformed_records"], summary["data_source"]) == (
        2,
        2,
        "google_ads",
    )
    assert "spend" in summary["columns_added"]
    assert acme.get("/analytics").json()["data"]["total_memories"] == 0

    def rule(kind, target, logic=None, **more):
        return {"transformation_type": kind, "target_field": target, "transformation_logic": logic} | more

    rules = [
        rule("map", "name", source_field="campaign_id"),
        rule("calculate", "profit", "revenue - spend * 2"),
        rule("aggregate", "all_clicks", "sum", source_field="clicks"),
        rule("normalize", "scaled", "min_max", source_field="clicks", conditions={"clicks": {"$gte": 100}}),
        rule("map", "big", source_field="clicks", conditions={"clicks": {"$gt": 300}}),
    ]
    config = {"transformation_rules": rules}
    one, two = data(acme.post("/marketing/transform", {"request": GOOGLE, "transformation_config": config}))[
        "transformed_data"
    ]
    assert (one["name"], one["profit"], one["all_clicks"], one["scaled"], one["big"]) == (
        "c1",
        849.5,
        500,
        1,
        400,
    )
    assert (two["profit"], two["scaled"], "big" in two) == (-49.5, 0, False)
    config = {
        "output_format": "aggregated",
        "calendar_join": True,
        "aggregation_rules": {"group_by": ["month"]},
    }
    [month] = data(acme.post("/marketing/transform", {"request": GOOGLE, "transformation_config": config}))[
        "transformed_data"
    ]
    assert (month["month"], month["spend"], month["roas"], month["records"]) == (1, 100, 10, 2)
    raw = data(
        acme.post(
            "/marketing/transform",
            {"request": GOOGLE, "transformation_config": {"output_format": "raw", "calendar_join": False}},
        )
    )
    assert raw["transformed_data"] == GOOGLE["data_entries"]
    unsafe = {"transformation_rules": [rule("calculate", "x", "__import__('os').getcwd()")]}
    refused = acme.post("/marketing/transform", {"request": GOOGLE, "transformation_config": unsafe})
    assert refused.status_code == 422
    assert refused.json()["detail"][0]["loc"][:4] == [
        "body",
        "transformation_config",
        "transformation_rules",
        0,
    ]


def test_the_ingestion_services_list_and_the_schedulers_jobs(script, rival):
    acme, _ = script
    job = {
        "data": [{"id": "s1", "spend": "5", "date_start": "2024-03-01", "date_stop": "2024-03-01"}],
        "source": "meta",
        "sync_job_id": "j",
    }
    got = data(acme.post("/api/v1/data/ingest", job | {"org_id": acme.slug}))
    assert got["records_ingested"] == 1
    assert acme.post("/api/v1/data/ingest", job | {"org_id": rival.slug}).status_code == 403
    assert acme.post("/api/v1/data/ingest", job | {"source": "fax"}).json()["detail"][0]["loc"] == [
        "body",
        "source",
    ]
    bad = acme.post("/api/v1/data/ingest", job | {"data": [{"spend": "x"}]})
    assert bad.json()["detail"][0]["loc"] == ["body", "data", 0, "spend"]
    assert [each["source_id"] for each in data(acme.get("/marketing/data?data_source=meta_business"))] == [
        "meta_1",
        "meta_2",
        "s1",
    ]
    assert [each["spend"] for each in data(acme.get("/marketing/data?date_range_start=2024-02-01"))] == [5]
    assert len(data(acme.get("/marketing/data?limit=3"))) == 3
    assert data(rival.get("/marketing/data")) == []
    assert acme.get("/marketing/data?data_source=fax").status_code == 422
