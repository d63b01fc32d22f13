"""`/api/v1/marketing/experiments` and `/models`: stored, found, changed, compared, and handed on to modelling tools."""

import csv
import io
import json
import math

import pytest

from tests.api.marketing.test_table import V1
from tests.api.routes import NOBODYS_ID

EXPERIMENTS, MODELS = f"{V1}/experiments", f"{V1}/models"
HOLDOUT = {
    "name": "Search holdout", "channel": "search", "metric": "roas", "design": "geo_lift", "unit": "geographic_region", "units": 40,
    "treatment": "no search ads in 20 regions", "control": "20 regions as before", "date_from": "2024-01-01", "date_to": "2024-02-11",
    "method": "difference_in_differences", "assumptions": ["parallel trends"], "estimate": 1.4, "low": 1.1, "high": 1.7, "level": 0.9,
}  # fmt: skip
MMM = {
    "name": "MMM 2024", "method": "Bayesian marketing-mix model", "tool": "meridian", "date_from": "2022-01-01", "date_to": "2024-03-31",
    "estimates": [
        {"channel": "search", "metric": "roas", "estimate": 2.1, "low": 1.9, "high": 2.3},
        {"channel": "tv", "metric": "roas", "estimate": 0.8, "low": 0.2, "high": 1.4},
    ],
}  # fmt: skip


def make(caller, path, body, status=201):
    answer = caller.post(path, body)
    assert answer.status_code == status, answer.content
    return answer.json()


def test_an_experiment_is_a_memory_that_is_found_linked_and_changed(acme, rival):
    source = acme.store("Sales by region and week, exported from the warehouse")
    decision = acme.post("/api/v1/decisions", {"operation": "budget.move", "reasoning": "lift"}).json()["id"]
    planned = {
        name: value for name, value in HOLDOUT.items() if name not in ("estimate", "low", "high", "level")
    }
    first = make(
        acme, EXPERIMENTS, planned | {"status": "planned", "data_used": [source], "supports": [source]}
    )
    got = acme.get(f"{EXPERIMENTS}/{first['id']}")
    assert (got.json()["estimate"], got.json()["status"], got.json()["supports"]) == (
        None,
        "planned",
        [source],
    )
    assert got.json()["data_used"] == [source]
    result = {name: HOLDOUT[name] for name in ("estimate", "low", "high")} | {
        "status": "done",
        "decision_id": decision,
    }
    changed = acme.patch(f"{EXPERIMENTS}/{first['id']}", result, **{"if-match": '"1"'})
    assert (changed.status_code, changed.json()["version"]) == (200, 2), changed.content
    assert acme.patch(f"{EXPERIMENTS}/{first['id']}", {"units": 41}, **{"if-match": '"1"'}).status_code == 412
    outcome = acme.patch(
        f"{EXPERIMENTS}/{first['id']}", {"outcome": "Budget moved to television; sales held."}
    )
    assert outcome.status_code == 200, outcome.content
    one = acme.get(f"{EXPERIMENTS}/{first['id']}").json()
    assert (one["estimate"], one["low"], one["decision_id"], one["version"]) == (1.4, 1.1, decision, 3)
    hits = acme.post("/api/v1/search", {"query": "did the search holdout move sales?"}).json()["results"]
    assert first["id"] in [each["id"] for each in hits]
    memory = acme.get(f"/api/v1/memories/{first['id']}").json()
    assert (memory["memory_type"], memory["metadata"]["estimate"]) == ("experiment", 1.4)
    assert "roas 1.4 (90% interval 1.1 to 1.7), by difference_in_differences" in memory["content"]
    for path in (f"{EXPERIMENTS}/{first['id']}", f"{EXPERIMENTS}/{NOBODYS_ID}"):
        assert (rival.get(path).status_code, rival.get(path).json()["code"]) == (
            404,
            "marketing.study_not_found",
        )
    assert acme.get(f"{MODELS}/{first['id']}").status_code == 404
    assert acme.patch(f"{MODELS}/{first['id']}", {"name": "x"}).status_code == 404
    assert acme.get(f"{EXPERIMENTS}/{source}").status_code == 404


def test_studies_are_listed_stored_once_and_gone_when_rejected(acme, rival):
    first = make(acme, EXPERIMENTS, HOLDOUT | {"external_id": "lift-7"})
    assert make(acme, EXPERIMENTS, HOLDOUT | {"external_id": "lift-7"}, 200)["id"] == first["id"]
    assert acme.post(EXPERIMENTS, HOLDOUT | {"external_id": "lift-7", "estimate": 1.5}).status_code == 409
    tv = make(
        acme,
        EXPERIMENTS,
        HOLDOUT | {"name": "TV", "channel": "tv", "date_from": "2024-05-01", "date_to": "2024-06-01"},
    )
    page = acme.get(f"{EXPERIMENTS}?limit=1").json()
    assert [each["id"] for each in page["results"]] == [tv["id"]]
    assert [each["id"] for each in acme.get(page["next"]).json()["results"]] == [first["id"]]
    for query, wanted in (
        ("channel=tv", [tv]), ("channel=search", [first]), ("metric=cpa", []), ("date_from=2024-05-31", [tv]), ("date_to=2024-01-01", [first]),
    ):  # fmt: skip
        found = acme.get(f"{EXPERIMENTS}?{query}").json()["results"]
        assert [each["id"] for each in found] == [each["id"] for each in wanted], query
    assert acme.get(MODELS).json()["results"] == rival.get(EXPERIMENTS).json()["results"] == []
    assert acme.post(f"/api/v1/memories/{tv['id']}/reject", {"reason": "wrong"}).status_code == 200
    assert [each["id"] for each in acme.get(EXPERIMENTS).json()["results"]] == [first["id"]]
    assert acme.get(f"{EXPERIMENTS}/{tv['id']}").json()["state"] == "rejected"
    erased = acme.delete(f"/api/v1/memories/{tv['id']}").json()["erasure_id"]
    assert acme.get(f"/api/v1/erasures/{erased}").json()["removed"]["marketing_estimates"] == 1
    # somebody else's memory of the type is none
    acme.store(
        "An odd one",
        memory_type="experiment",
        metadata={"study": "experiment", "estimates": [5, {"estimate": "x"}]},
    )
    acme.store("Another", memory_type="experiment", metadata={
        "study": "experiment", "date_from": "2024-01-01", "date_to": "2024-01-02", "estimates": [{"channel": "odd", "estimate": 5}],
    })  # fmt: skip
    assert acme.get(f"{V1}/calibration?channel=odd").json() == {"results": []}
    assert acme.get(f"{EXPERIMENTS}?channel=odd").status_code == 200


def test_invalid_fields_are_named(acme):
    for change, field in (
        ({"low": 1.5}, "low"), ({"high": 1.3}, "high"), ({"low": 1.4, "high": 1.4}, "high"), ({"low": None}, "low"), ({"estimate": None}, "low"),
        ({"date_to": "2023-12-31"}, "date_to"), ({"date_from": "2024-02-30"}, "date_from"), ({"estimate": 1e308}, "estimate"),
        ({"estimate": "1.4"}, "estimate"), ({"estimate": True}, "estimate"),
        ({"level": 1}, "level"), ({"level": 0.2}, "level"), ({"units": 0}, "units"), ({"units": 2**40}, "units"), ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"), ({"channel": "c" * 10_000}, "channel"), ({"status": "over"}, "status"), ({"data_used": [NOBODYS_ID]}, "data_used"),
        ({"contradicts": [NOBODYS_ID]}, "contradicts"), ({"decision_id": NOBODYS_ID}, "decision_id"), ({"lift": {"x": 5, "delta_x": -6}}, "lift"),
        ({"lift": {"x": 5, "delta_x": 0}}, "lift"), ({"lift": {"x": 5, "delta_x": 1, "sigma": 0}}, "lift"), ({"chanel": "x"}, "chanel"),
        ({"visible_to": {"principal": "nobody"}}, "visible_to"), ({"assumptions": [" "]}, "assumptions"),
    ):  # fmt: skip
        refused = acme.send(EXPERIMENTS, json.dumps(HOLDOUT | change), "application/json")
        assert refused.status_code == 422, (change, refused.content)
        assert field in [each["loc"][1] for each in refused.json()["errors"]], (change, refused.content)
    for number in (math.nan, math.inf):
        refused = acme.send(EXPERIMENTS, json.dumps(HOLDOUT | {"estimate": number}), "application/json")
        assert refused.status_code == 422, refused.content
    missing = {name: value for name, value in HOLDOUT.items() if name not in ("estimate", "low", "high")}
    assert acme.post(EXPERIMENTS, missing).json()["errors"][0]["loc"] == ["body", "status"]
    for change, loc in (
        ({"estimates": []}, ["estimates"]), ({"estimates": MMM["estimates"] * 2}, ["estimates"]),
        ({"estimates": [MMM["estimates"][0] | {"low": 3}]}, ["estimates", 0, "low"]),
        ({"estimates": [{"channel": "tv", "estimate": 1}]}, ["estimates", 0, "low"]),
    ):  # fmt: skip
        refused = acme.post(MODELS, MMM | change)
        assert (refused.status_code, refused.json()["errors"][0]["loc"]) == (422, ["body", *loc]), (
            refused.content
        )
    one = make(acme, EXPERIMENTS, HOLDOUT)
    for change, field in (
        ({"low": 2}, "low"),
        ({"name": None}, "name"),
        ({"status": "over"}, "status"),
        ({"supports": []}, "supports"),
    ):
        refused = acme.patch(f"{EXPERIMENTS}/{one['id']}", change)
        assert (refused.status_code, refused.json()["errors"][0]["loc"][:2]) == (422, ["body", field]), (
            refused.content
        )
    assert acme.get(f"{EXPERIMENTS}/{one['id']}").json()["version"] == 1
    assert len(acme.get(EXPERIMENTS).json()["results"]) == 1


def test_models_are_compared_with_experiments(acme):
    make(acme, EXPERIMENTS, HOLDOUT)
    make(acme, EXPERIMENTS, HOLDOUT | {"name": "Again", "estimate": 1.5, "low": 1.2, "high": 1.8})
    make(acme, MODELS, MMM)
    make(
        acme,
        MODELS,
        MMM
        | {
            "name": "Calibrated",
            "date_to": "2024-06-30",
            "estimates": [MMM["estimates"][0] | {"estimate": 1.5, "low": 1.2, "high": 1.8}],
        },
    )
    search, tv = acme.get(f"{V1}/calibration").json()["results"]
    sd = 0.3 / 1.6448536269514722
    assert search["experiments"]["mean"] == pytest.approx(1.45)
    assert search["experiments"]["sd"] == pytest.approx(sd / math.sqrt(2))
    assert search["experiments"]["count"] == 2
    assert [each["name"] for each in search["models"]] == ["MMM 2024", "Calibrated"]
    before, after = search["models"]
    assert before["z"] == pytest.approx(0.65 / math.hypot(0.2 / 1.6448536269514722, sd / math.sqrt(2)))
    assert (before["agrees"], after["agrees"], search["agreement"]) == (False, True, 0.5)
    assert (
        search["said"]
        == "Experiments said 1.45 ± 0.13, MMM 2024 said 2.1 ± 0.12, Calibrated said 1.5 ± 0.18."
    )
    assert (tv["channel"], tv["experiments"], tv["agreement"], tv["models"][0]["agrees"]) == (
        "tv",
        None,
        None,
        None,
    )
    assert tv["said"] == "No experiment, MMM 2024 said 0.8 ± 0.36."


def test_experiments_are_handed_on_as_lift_tests_and_priors(acme):
    make(acme, EXPERIMENTS, HOLDOUT | {"lift": {"x": 1000, "delta_x": -400}})
    make(
        acme,
        EXPERIMENTS,
        HOLDOUT
        | {"channel": "tv", "metric": "orders", "lift": {"x": 50, "delta_x": 10, "delta_y": 7, "sigma": 2.5}},
    )
    make(acme, EXPERIMENTS, HOLDOUT | {"name": "No spend", "channel": "=cmd"})
    backwards = {
        "channel": "radio",
        "estimate": -0.2,
        "low": -0.5,
        "high": 0.1,
        "lift": {"x": 5, "delta_x": 1},
    }
    make(acme, EXPERIMENTS, HOLDOUT | backwards)
    tests = acme.get(f"{EXPERIMENTS}/lift-tests").json()
    sigma = 0.3 / 1.6448536269514722 * 400
    assert tests["results"] == [
        {"channel": "search", "x": 1000, "delta_x": -400, "delta_y": -560, "sigma": pytest.approx(sigma)},
        {"channel": "tv", "x": 50, "delta_x": 10, "delta_y": 7, "sigma": 2.5},
    ]
    assert [(each["name"], "lift" in each["reason"] or "signs" in each["reason"]) for each in tests["left_out"]] == [
        ("No spend", True), ("Search holdout", True),
    ]  # fmt: skip
    sheet = acme.get(f"{EXPERIMENTS}/lift-tests?format=csv").content.decode()
    assert list(csv.DictReader(io.StringIO(sheet)))[1]["sigma"] == "2.5"
    priors = acme.get(f"{EXPERIMENTS}/priors").json()
    search = next(each for each in priors["results"] if each["channel"] == "search")
    mean, sd = search["roi_mean"], search["roi_sd"]
    assert (mean, sd) == (pytest.approx(1.4), pytest.approx(0.3 / 1.6448536269514722))
    mu, spread = search["lognormal_mu"], search["lognormal_sigma"]
    assert math.exp(mu + spread**2 / 2) == pytest.approx(mean)
    assert math.sqrt(math.expm1(spread**2)) * mean == pytest.approx(sd)
    assert sorted(each["reason"].split()[0] for each in priors["left_out"]) == ["The", "orders"]
    assert "'=cmd" in acme.get(f"{EXPERIMENTS}/priors?format=csv").content.decode()


def test_results_of_tools_are_stored_as_models(acme):
    common = {"name": "MMM", "method": "Bayesian", "date_from": "2022-01-01", "date_to": "2024-01-01"}
    tables = {
        "meridian": [{"channel": "search", "mean": 1.2, "ci_lo": 0.9, "ci_hi": 1.6}],
        "pymc_marketing": [{"index": "search", "mean": 1.2, "sd": 0.2, "hdi_3%": 0.9, "hdi_97%": 1.6}],
        "robyn": [
            {"rn": "trend", "boot_mean": None},
            {"rn": "search", "boot_mean": 1.2, "ci_low": 0.9, "ci_up": 1.6},
        ],
    }
    levels = {"meridian": 0.9, "pymc_marketing": 0.94, "robyn": 0.95}
    for tool, rows in tables.items():
        made = make(acme, f"{MODELS}/results", common | {"tool": tool, "rows": rows})
        model = acme.get(f"{MODELS}/{made['id']}").json()
        wanted = {
            "channel": "search",
            "metric": "roas",
            "estimate": 1.2,
            "low": 0.9,
            "high": 1.6,
            "level": levels[tool],
        }
        assert (model["tool"], model["estimates"]) == (tool, [wanted])
    for rows, loc in (
        ([{"rn": "trend"}, {"rn": "search", "boot_mean": 1.2, "ci_low": 1.3, "ci_up": 1.6}], ["rows", 1, "low"]),
        ([{"rn": "search", "boot_mean": "x", "ci_low": 1.3, "ci_up": 1.6}], ["rows", 0, "estimate"]), ([{"rn": "trend"}], ["rows"]),
    ):  # fmt: skip
        refused = acme.post(f"{MODELS}/results", common | {"tool": "robyn", "rows": rows})
        assert (refused.status_code, refused.json()["errors"][0]["loc"]) == (422, ["body", *loc]), (
            refused.content
        )
