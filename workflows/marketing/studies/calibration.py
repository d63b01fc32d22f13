"""Compare what models say with what experiments said, and hand experiments on as lift tests and priors. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from workflows.marketing.studies.types import Estimate, StudyKind

AGREES = 1.96
"""Standard errors by which two estimates may differ and still agree (5% of those that are equal differ by more)."""
RETURNS = frozenset({"roas", "roi", "iroas", "incremental_roas", "incremental_roi"})
"""Metrics that are an amount returned for an amount spent, so that they can be priors of a return."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """Estimates of one thing as one: mean, standard deviation, their number, and how much more they differ than their intervals let expect."""

    mean: float
    sd: float
    count: int
    spread: float


def sd_of(estimate: Estimate) -> float:
    """Return the standard deviation of which an interval is the normal one."""
    return (estimate.high - estimate.low) / 2 / NormalDist().inv_cdf((1 + estimate.level) / 2)


def pooled(estimates: Sequence[Estimate]) -> Pooled:
    """Return several estimates as one: their mean weighted by inverse variance.

    Where they differ more than chance would explain, the standard deviation grows by Birge's ratio, the root of chi-square
    over its degrees of freedom.
    """
    weights = [1 / sd_of(each) ** 2 for each in estimates]
    mean = math.fsum(w * each.value for w, each in zip(weights, estimates, strict=True)) / math.fsum(weights)
    chi2 = math.fsum(w * (each.value - mean) ** 2 for w, each in zip(weights, estimates, strict=True))
    spread = math.sqrt(chi2 / (len(estimates) - 1)) if len(estimates) > 1 else 1.0
    return Pooled(mean, math.sqrt(1 / math.fsum(weights)) * max(1.0, spread), len(estimates), spread)


def compare(estimates: Iterable[Estimate]) -> list[dict[str, Any]]:
    """Return, by channel and metric, what experiments said together, and what each model said beside it."""
    found: dict[tuple[str, str], list[Estimate]] = {}
    for each in estimates:
        found.setdefault((each.channel, each.metric), []).append(each)
    return [_compared(*key, some) for key, some in sorted(found.items())]


def _compared(channel: str, metric: str, estimates: Sequence[Estimate]) -> dict[str, Any]:
    tests = [each for each in estimates if each.kind is StudyKind.EXPERIMENT]
    models = sorted(
        (each for each in estimates if each.kind is StudyKind.MODEL),
        key=lambda each: (each.ends_on, each.study),
    )
    together = pooled(tests) if tests else None
    against = [_against(each, together) for each in models]
    said = [f"Experiments said {_figure(together.mean, together.sd)}" if together else "No experiment"]
    said += [f"{each.name} said {_figure(each.value, sd_of(each))}" for each in models]
    return {
        "channel": channel,
        "metric": metric,
        "experiments": None
        if together is None
        else {"mean": together.mean, "sd": together.sd, "count": together.count, "spread": together.spread}
        | {"ids": [str(each.study) for each in tests]},
        "models": against,
        "agreement": _share([each["agrees"] for each in against if each["agrees"] is not None]),
        "said": ", ".join(said) + ".",
    }


def _against(model: Estimate, tests: Pooled | None) -> dict[str, Any]:
    sd = sd_of(model)
    shown: dict[str, Any] = {
        "id": str(model.study), "name": model.name, "date_to": model.ends_on.isoformat(), "mean": model.value, "sd": sd,
        "difference": None, "ratio": None, "z": None, "agrees": None,
    }  # fmt: skip
    if tests is None:
        return shown
    z = (model.value - tests.mean) / math.hypot(sd, tests.sd)
    return shown | {
        "difference": model.value - tests.mean,
        "ratio": model.value / tests.mean if tests.mean else None,
        "z": z,
        "agrees": abs(z) <= AGREES,
    }


def _share(values: Sequence[bool]) -> float | None:
    return sum(values) / len(values) if values else None


def _figure(mean: float, sd: float) -> str:
    return f"{mean:.3g} ± {sd:.2g}"


@dataclass(frozen=True, slots=True)
class Export:
    """Rows for a tool, and why others were left out."""

    rows: list[dict[str, Any]]
    left_out: list[dict[str, str]]


def lift_tests(experiments: Iterable[Estimate]) -> Export:
    """Return experiments as rows of `add_lift_test_measurements` of PyMC-Marketing: channel, x, delta_x, delta_y, sigma.

    A row is what the experiment says of its `lift`; where that has only spend, a return gives `delta_y` and `sigma`.
    """
    rows, left_out = [], []
    for each in experiments:
        row = _lift_test(each)
        if isinstance(row, str):
            left_out.append({"id": str(each.study), "name": each.name, "reason": row})
        else:
            rows.append(row)
    return Export(rows, left_out)


def _lift_test(each: Estimate) -> dict[str, Any] | str:
    lift: Mapping[str, Any] = each.fields.get("lift") or {}
    x, delta_x = lift.get("x"), lift.get("delta_x")
    if x is None or delta_x is None:
        return "It has no lift.x and lift.delta_x: the spend before and its change."
    delta_y, sigma = lift.get("delta_y"), lift.get("sigma")
    if delta_y is None or sigma is None:
        if each.metric not in RETURNS:
            return f"Its lift has no delta_y and sigma, and {each.metric} is no return on spend to derive them from."
        delta_y, sigma = each.value * delta_x, sd_of(each) * abs(delta_x)
    if delta_y * delta_x <= 0:
        return "delta_x and delta_y have different signs; the saturation that is fitted to them is monotonic."
    return {"channel": each.channel, "x": x, "delta_x": delta_x, "delta_y": delta_y, "sigma": sigma}


def return_priors(experiments: Iterable[Estimate]) -> Export:
    """Return a prior of the return by channel for Meridian: mean and sd, and the log-normal distribution that has them.

    Experiments of a channel are pooled. `lognormal_mu` and `lognormal_sigma` are the arguments of
    `LogNormal(loc, scale)`, as `lognormal_dist_from_mean_std(mean, sd)` of Meridian computes them.
    """
    by_channel: dict[str, list[Estimate]] = {}
    left_out = []
    for each in experiments:
        if each.metric in RETURNS:
            by_channel.setdefault(each.channel, []).append(each)
        else:
            reason = f"{each.metric} is no return on spend."
            left_out.append({"id": str(each.study), "name": each.name, "reason": reason})
    rows = []
    for channel, some in sorted(by_channel.items()):
        prior = pooled(some)
        if prior.mean <= 0:
            reason = "The pooled mean is not above 0, which a log-normal prior has to be."
            left_out += [{"id": str(each.study), "name": each.name, "reason": reason} for each in some]
            continue
        variance = math.log1p((prior.sd / prior.mean) ** 2)
        rows.append(
            {
                "channel": channel,
                "roi_mean": prior.mean,
                "roi_sd": prior.sd,
                "lognormal_mu": math.log(prior.mean) - variance / 2,
                "lognormal_sigma": math.sqrt(variance),
                "experiments": prior.count,
            }
        )
    return Export(rows, left_out)
