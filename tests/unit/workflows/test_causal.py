"""Causal analyses against simulations whose effect is known, and one published series."""

import json
import sys
from datetime import date, timedelta
from time import perf_counter

import numpy as np
import pytest
from statsmodels.datasets import nile

from workflows.marketing.causal.counterfactual import forecast
from workflows.marketing.causal.differences import Panel, difference_in_differences
from workflows.marketing.causal.extra import CausalNotInstalled
from workflows.marketing.causal.impact import Series, causal_impact
from workflows.marketing.causal.plot import impact_svg
from workflows.marketing.causal.saturation import adstocked, fit_saturation, saturated

BEFORE, AFTER, LIFT = 104, 12, 3.0
MONDAY = date(2022, 1, 3)
SHORT = 20
ALL = 200


def simulated(seed, *, lift=LIFT, before=BEFORE, after=AFTER):
    """Return a series with a control of coefficient 2 and a drifting level; the first seeds drift less than the last."""
    random = np.random.default_rng(seed)
    count = before + after
    control = np.cumsum(random.normal(0, 0.5, count)) + random.normal(0, 1, count)
    other = random.normal(0, 1, count)
    drift = (0.0, 0.1, 0.3, 1.0)[seed % 4]
    values = 100 + 2 * control + np.cumsum(random.normal(0, drift, count)) + random.normal(0, 1, count)
    values[before:] += lift
    weeks = [MONDAY + timedelta(weeks=n) for n in range(count)]
    return Series(weeks, values.tolist(), {"control": control.tolist(), "other": other.tolist()}, before)


def covers(seed):
    """Return whether the 90% interval of the effect contains it."""
    series = simulated(seed)
    y = np.array(series.values)
    x = np.array(list(series.controls.values())).T
    found = forecast(y[:BEFORE], x[:BEFORE], x[BEFORE:])
    low, high = found.interval(0.9, running=True)[:, -1]
    return low <= y[BEFORE:].sum() - LIFT * AFTER <= high


def panel(seed, lift):
    random = np.random.default_rng(seed)
    units, periods = 24, 20
    values = random.normal(100, 10, (units, 1)) + np.cumsum(random.normal(0, 0.5, (units, periods)), axis=1)
    values += random.normal(0, 1, (units, periods)) + random.normal(0, 3, periods)
    values[:8, 12:] += lift
    return Panel(
        {f"region {n}": row for n, row in enumerate(values.tolist())},
        frozenset(f"region {n}" for n in range(8)),
        12,
    )


def test_intervals_contain_the_effect_of_twenty_simulations():
    assert 16 <= sum(covers(seed) for seed in range(SHORT)) <= 20


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_intervals_contain_the_effect_in_nine_of_ten_of_two_hundred_simulations():
    share = sum(covers(seed) for seed in range(ALL)) / ALL
    assert 0.85 <= share <= 0.95, share


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_placebos_seldom_raise_an_alarm():
    alarms = count = 0
    for seed in range(ALL):
        placebos = causal_impact(simulated(seed, lift=0.0))["placebos_in_time"]
        alarms, count = alarms + placebos["false_alarms"], count + placebos["count"]
    assert count > 10 * ALL
    assert alarms / count <= 0.12, alarms / count


def test_an_effect_is_found_with_its_placebos_and_the_same_every_time():
    series = simulated(5, before=144)
    causal_impact(series)  # imports statsmodels
    began = perf_counter()
    found = causal_impact(series)
    assert perf_counter() - began < 3
    assert found == causal_impact(series)
    json.dumps(found, allow_nan=False)
    effect = found["effect"]
    assert effect["low"] <= LIFT * AFTER <= effect["high"]
    assert (found["verdict"], found["placebos_in_time"]["count"]) == ("increase", 20)
    assert found["confidence"] > 0.75
    assert len(found["series"]) == AFTER
    assert found["series"][-1]["cumulative"] == pytest.approx(effect["total"])
    assert found["diagnostics"]["r_squared"] > 0.8
    svg = impact_svg(series.periods, series.values, found)
    assert svg.startswith("<svg")
    assert svg.count("<polyline") == 3
    assert "nan" not in svg
    nothing = causal_impact(simulated(5, lift=0.0, before=144))
    assert (nothing["verdict"], nothing["confidence"] < found["confidence"]) == ("no effect shown", True)


def test_a_control_that_was_moved_itself_lowers_the_confidence():
    series = simulated(2, before=60)
    moved = np.array(series.controls["other"])
    moved[60:] += 8
    spoilt = causal_impact(
        Series(series.periods, series.values, dict(series.controls) | {"other": moved.tolist()}, 60)
    )
    [of_other] = [each for each in spoilt["placebos_in_space"] if each["control"] == "other"]
    assert of_other["alarm"]
    assert any("other" in reason for reason in spoilt["confidence_reasons"])
    assert spoilt["confidence"] < 0.8


def test_the_nile_lost_a_fifth_of_its_flow_in_1899():
    flow = nile.load_pandas().data["volume"].tolist()[:48]
    found = causal_impact(Series([date(1871 + n, 1, 1) for n in range(48)], flow, {}, 28))
    # Cobb 1978: 1098 before and 850 from 1899 on
    assert found["effect"]["per_period"] == pytest.approx(850 - 1098, abs=60)
    assert (found["verdict"], found["effect"]["high"] < 0) == ("decrease", True)


def test_differences_of_regions_are_found_and_placebos_are_quiet():
    covered = quiet = 0
    for seed in range(60):
        found = difference_in_differences(panel(seed, 2.0))
        covered += found["effect"]["low"] <= 2 <= found["effect"]["high"]
        quiet += not found["placebo_in_time"]["alarm"]
    assert 0.83 <= covered / 60 <= 1
    assert quiet / 60 >= 0.85
    found = difference_in_differences(panel(1, 4.0), spend=128.0)
    json.dumps(found, allow_nan=False)
    assert found["verdict"] == "increase"
    assert found["effect"]["total"] == pytest.approx(found["effect"]["per_unit_and_period"] * 64)
    assert found["return_on_spend"]["low"] < 2 < found["return_on_spend"]["high"]
    assert found["permutation_p"] < 0.02
    assert found == difference_in_differences(panel(1, 4.0), spend=128.0)


def test_adstock_and_saturation_are_recovered():
    random = np.random.default_rng(1)
    spend = random.gamma(2, 50, 120)
    outcome = 100 + 80 * saturated(adstocked(spend, 0.5), 200, 1.3) + random.normal(0, 2, 120)
    found = fit_saturation(spend.tolist(), outcome.tolist())
    json.dumps(found, allow_nan=False)
    assert found["decay"] == pytest.approx(0.5, abs=0.06)
    assert found["r_squared"] > 0.9
    curve = saturated(np.array([spend.mean() * 2, (spend.mean() + 1) * 2]), 200, 1.3) * 80
    assert found["marginal_return"] == pytest.approx(curve[1] - curve[0], rel=0.25)
    assert found == fit_saturation(spend.tolist(), outcome.tolist())


def test_without_the_extra_the_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(CausalNotInstalled, match="make up EXTRAS=causal"):
        causal_impact(simulated(1))
