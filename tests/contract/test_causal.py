"""The old causal routes under /api/v1/marketing, with figures worked out by hand."""

RECORD = {
    "id": "r1",
    "timestamp": "2024-01-10T12:00:00",
    "campaign_id": "c1",
    "campaign_name": "Winter Sale",
    "platform": "meta_business",
    "treatment_type": "budget_increase",
    "treatment_intensity": 0.5,
    "experiment_id": "exp 1",
    "spend": 100.5,
    "conversions": 7,
    "quality_score": 0.9,
    "confounders": [
        {
            "variable_name": "season",
            "importance_score": 0.8,
            "detection_method": "correlation",
            "control_strategy": "covariate",
        },
        {"variable_name": "price", "importance_score": 0.2, "detection_method": "expert"},
    ],
    "external_factors": [{"factor_name": "weather", "value": 3, "confidence": 0.7}],
    "unknown": "ignored",
}
CONTROL = {
    "timestamp": "2024-01-11",
    "campaign_id": "c2",
    "data_source": "meta_business",
    "treatment_type": "control",
    "treatment_assignment": {"experiment_id": "exp 1", "control_group": True, "assignment_probability": 0.5},
    "data_quality_score": 0.7,
    "confounders": [{"variable_name": "season", "importance_score": 0.4, "detection_method": "expert"}],
}
LATER = {"timestamp": "2024-02-01T00:00:00Z", "campaign_id": "c3", "platform": "meta_business"}
V1 = "/api/v1/marketing"


def data(response):
    assert response.status_code == 200, response.content
    assert response.json()["success"] is True
    return response.json()["data"]


def test_records_are_stored_counted_and_found(acme, rival):
    first = acme.post(f"{V1}/ingest/causal", RECORD)
    assert first.json()["message"] == "Causal marketing data ingested successfully"
    assert data(first) | {"platform": "meta_business", "campaign_id": "c1", "quality_score": 0.9} == data(
        first
    )
    assert "confounders" in first.json()["metadata"]["causal_features"]
    again = acme.post(f"{V1}/ingest/causal", RECORD)
    assert data(again)["memory_id"] == data(first)["memory_id"]
    assert data(acme.post(f"{V1}/ingest/causal", CONTROL))["quality_score"] == 0.7
    assert data(acme.post(f"{V1}/ingest/causal", LATER))["quality_score"] is None

    got = data(acme.get(f"{V1}/causal/exp%201"))
    assert (got["experiment_id"], got["count"]) == ("exp 1", 2)
    assert got["data_points"][0] == {
        "memory_id": data(first)["memory_id"], "platform": "meta_business", "campaign_id": "c1", "timestamp": "2024-01-10T12:00:00",
        "quality_score": 0.9, "has_treatment": True, "confounder_count": 2, "external_factor_count": 1,
    }  # fmt: skip
    assert got["data_points"][1]["has_treatment"] is False
    for caller, experiment in ((acme, "exp 2"), (rival, "exp 1")):
        assert caller.get(f"{V1}/causal/{experiment}").status_code == 404

    asked = "platform=meta_business&date_range_start=2024-01-01&date_range_end=2024-01-31"
    got = data(acme.get(f"{V1}/confounders?{asked}"))
    assert got["total_data_points"] == 2
    assert got["date_range"] == {"start": "2024-01-01", "end": "2024-01-31"}
    analysis = got["confounder_analysis"]
    assert analysis["season"]["total_occurrences"] == 2
    assert round(analysis["season"]["average_importance"], 12) == 0.6
    assert analysis["season"]["detection_methods"] == ["correlation", "expert"]
    assert analysis["season"]["control_strategies"] == ["covariate"]
    assert analysis["price"]["control_strategies"] == []
    assert analysis["average_confounders_per_datapoint"] == 1.5
    assert round(analysis["average_quality_score"], 12) == 0.8
    assert analysis["confounder_detection_rate"] == 1
    february = data(acme.get(f"{V1}/confounders?{asked.replace('2024-01', '2024-02').replace('-31', '-29')}"))
    assert (february["total_data_points"], february["confounder_analysis"]["confounder_detection_rate"]) == (
        1,
        0,
    )

    search = {"platform": "meta_business", "analysis_type": "lift"}
    got = data(acme.post(f"{V1}/causal/search", search))
    assert (got["count"], got["platform"], got["analysis_type"]) == (3, "meta_business", "lift")
    for narrowed, campaigns in (
        ({"confounders": ["price"]}, {"c1"}),
        ({"date_range_end": "2024-01-31"}, {"c1", "c2"}),
        ({"time_window": {"start": "2024-01-11T00:00:00", "end": "2024-02-29T00:00:00"}}, {"c2", "c3"}),
        ({"platform": "tiktok"}, set()),
        ({"data_query": "winter sale", "limit": 1}, {"c1"}),
    ):
        got = data(acme.post(f"{V1}/causal/search", search | narrowed))
        assert {hit["metadata"]["campaign_id"] for hit in got["results"]} == campaigns, narrowed
    assert data(rival.post(f"{V1}/causal/search", search))["count"] == 0
    # what a platform reports is summed by entries alone
    days = {"date_range_start": "2024-01-01", "date_range_end": "2024-01-31"}
    assert (
        data(acme.post("/marketing/insights", {"data_sources": ["meta_business"], **days}))["total_spend"]
        == 0
    )


def test_bad_input_names_its_field(acme):
    for change, field in (
        ({"timestamp": "soon"}, ["timestamp"]),
        ({"timestamp": None}, ["timestamp"]),
        ({"platform": None}, []),
        ({"treatment_type": "magic"}, ["treatment_type"]),
        ({"treatment_intensity": 2}, ["treatment_intensity"]),
        ({"spend": "12"}, ["spend"]),
        ({"spend": 1e308}, ["spend"]),
        ({"campaign_id": "c" * 10_000}, ["campaign_id"]),
        ({"confounders": [{"importance_score": 0.5}]}, ["confounders", 0, "variable_name"]),
    ):
        body = {name: value for name, value in (RECORD | change).items() if value is not None}
        refused = acme.post(f"{V1}/ingest/causal", body)
        assert refused.status_code == 422, change
        assert refused.json()["detail"][0]["loc"] == ["body", *field], change
    for query, field in (
        ("", "platform"),
        ("platform=a&date_range_start=2024-02-01&date_range_end=2024-01-01", "date_range_end"),
    ):
        refused = acme.get(f"{V1}/confounders?{query}")
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["query", field])
    for body, field in (
        ({}, "analysis_type"),
        ({"analysis_type": "a", "limit": 101}, "limit"),
        ({"analysis_type": "a", "causal_method": "b"}, "causal_method"),
    ):
        refused = acme.post(f"{V1}/causal/search", body)
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", field])
    assert acme.get("/analytics").json()["data"]["total_memories"] == 0
