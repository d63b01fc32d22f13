"""The workflow functions of causal analyses. They take seconds of arithmetic and no rows, so they run outside any transaction."""

from typing import Any

from liftos.kernel.functions import Call, register
from liftos.kernel.tenancy.types import Scope
from workflows.marketing.causal.differences import Panel, difference_in_differences
from workflows.marketing.causal.impact import Series, causal_impact
from workflows.marketing.causal.inputs import ImpactArguments, PanelArguments, SaturationArguments
from workflows.marketing.causal.plot import impact_svg
from workflows.marketing.causal.saturation import fit_saturation


@register(
    "marketing.causal_impact",
    schema=ImpactArguments,
    scopes=[Scope.MEMORY_READ],
    idempotent=True,
    outside=True,
)
def impact(call: Call, arguments: ImpactArguments) -> dict[str, Any]:
    """Estimate the effect of an intervention on a series: interval, placebo tests, diagnostics, assumptions, plot."""
    del call
    start = sum(each < arguments.intervention for each in arguments.periods)
    series = Series(arguments.periods, arguments.values, arguments.controls, start)
    found = causal_impact(series, level=arguments.level)
    effect, placebos = found["effect"], found["placebos_in_time"]
    relative = "" if effect["relative"] is None else f" ({effect['relative']:+.1%})"
    summary = (
        f"{found['verdict'].capitalize()}: {effect['total']:+,.4g}{relative} over {found['periods_after']} periods, "
        f"{effect['level'] * 100:g}% interval {effect['low']:+,.4g} to {effect['high']:+,.4g}. "
        f"{placebos['false_alarms']} of {placebos['count']} placebos in time show an effect. {' '.join(found['confidence_reasons'])}"
    )
    return found | {"summary": summary, "svg": impact_svg(arguments.periods, arguments.values, found)}


@register(
    "marketing.difference_in_differences",
    schema=PanelArguments,
    scopes=[Scope.MEMORY_READ],
    idempotent=True,
    outside=True,
)
def differences(call: Call, arguments: PanelArguments) -> dict[str, Any]:
    """Estimate the effect of a treatment on units, such as regions: interval, permutations, trends before, return on spend."""
    del call
    panel = Panel(arguments.units, frozenset(arguments.treated), arguments.start)
    found = difference_in_differences(panel, level=arguments.level, spend=arguments.spend)
    effect = found["effect"]
    returned = found.get("return_on_spend")
    summary = (
        f"{found['verdict'].capitalize()}: {effect['per_unit_and_period']:+,.4g} per unit and period, {effect['level'] * 100:g}% interval "
        f"{effect['low']:+,.4g} to {effect['high']:+,.4g}; {found['treated_units']} treated units, {found['control_units']} others. "
        + (
            f"Return on spend {returned['estimate']:.3g} ({returned['low']:.3g} to {returned['high']:.3g}). "
            if returned
            else ""
        )
        + " ".join(found["confidence_reasons"])
    )
    return found | {"summary": summary}


@register(
    "marketing.saturation",
    schema=SaturationArguments,
    scopes=[Scope.MEMORY_READ],
    idempotent=True,
    outside=True,
)
def saturation(call: Call, arguments: SaturationArguments) -> dict[str, Any]:
    """Fit adstock and saturation of a channel's spend: parameters with errors, response curve, marginal return."""
    del call
    return fit_saturation(arguments.spend, arguments.outcome)
