"""The templates `causal_impact` and `geo_lift` over HTTP: run, put on record, accepted by a person; bad series are named."""

import pytest

from tests.factories.keys import with_key
from tests.unit.workflows.test_causal import panel, simulated
from workflows.engine.work import work

RUNS = "/api/v1/workflows/runs"


def impact(**changes):
    series = simulated(5)
    return {
        "name": "Autumn campaign",
        "channel": "tv",
        "periods": [str(each) for each in series.periods],
        "values": series.values,
        "controls": series.controls,
        "intervention": str(series.periods[series.start]),
    } | changes


def lift(**changes):
    found = panel(1, 4.0)
    return {
        "name": "TV in the north",
        "channel": "tv",
        "units": dict(found.units),
        "treated": sorted(found.treated),
        "start": found.start,
        "spend": 128,
    } | changes


def run(caller, template, parameters):
    response = caller.post(RUNS, {"template": template, "parameters": parameters, "wait": True})
    assert response.status_code == 201, response.content
    return response.json()


def steps(body):
    return {each["name"]: each for each in body["steps"]}


@pytest.mark.parametrize(("template", "parameters"), [("causal_impact", impact()), ("geo_lift", lift())])
def test_a_finding_is_on_record_and_becomes_a_memory_once_a_person_accepts_it(acme, template, parameters):
    ended = run(acme, template, parameters)
    found = steps(ended)
    result = found["analyse"]["result"]
    assert (result["verdict"], found["accept"]["status"]) == ("increase", "awaiting_approval"), ended
    decision = acme.get(f"/api/v1/decisions/{found['on_record']['result']['id']}").json()
    assert decision["confidence"] == pytest.approx(result["confidence"])
    assert decision["outputs"]["assumptions"] == result["assumptions"]
    assert acme.get(f"/api/v1/memories?memory_type={template}").json()["results"] == []
    if template == "causal_impact":
        assert result["svg"].startswith("<svg")
        assert result["placebos_in_time"]["count"] > 10
    else:
        assert result["return_on_spend"]["low"] < 2 < result["return_on_spend"]["high"]
    other, _ = with_key(acme)
    approved = other.post(f"{RUNS}/{ended['id']}/approve", {"step": "accept", "reason": "plausible"})
    assert approved.status_code == 200, approved.content
    work(organisation=acme.organisation)
    [memory] = acme.get(f"/api/v1/memories?memory_type={template}").json()["results"]
    assert (memory["metadata"]["channel"], memory["metadata"]["verdict"]) == ("tv", "increase")
    assert memory["metadata"]["decision_id"] == decision["id"]
    assert result["summary"] in memory["content"]


def test_a_series_at_fault_is_named(acme):
    series = impact()
    periods = series["periods"]
    later = series | {"intervention": periods[5]}
    for parameters, field in (
        (impact(periods=[*periods[:5], *periods[6:], "2030-01-01"]), "periods"),
        (impact(periods=periods[::-1]), "periods"),
        (impact(values=series["values"][1:]), "values"),
        (impact(values=[1.0] * len(periods)), "values"),
        (impact(values=[1e300, *series["values"][1:]]), "values"),
        (impact(controls={"flat": [1.0] * len(periods)}), "controls"),
        (impact(controls={"short": [1.0, 2.0]}), "controls"),
        (later, "intervention"),
        (impact(intervention="2040-01-01"), "intervention"),
    ):
        failed = steps(run(acme, "causal_impact", parameters))["analyse"]
        assert (failed["status"], failed["attempts"]) == ("failed", 1), field
        assert field in str(failed["error"]), failed["error"]
    for change, field in (
        ({"treated": ["nowhere", "region 1"]}, "treated"),
        ({"start": 20}, "start"),
        ({"units": dict(list(lift()["units"].items())[:3])}, "units"),
    ):
        failed = steps(run(acme, "geo_lift", lift(**change)))["analyse"]
        assert failed["status"] == "failed", field
        assert field in str(failed["error"]), failed["error"]
