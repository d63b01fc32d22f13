"""The arguments of causal analyses, checked so that what is wrong is named."""

from datetime import date, timedelta
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from liftos.kernel.http.strict import Strict
from workflows.marketing.causal.impact import MIN_PAST
from workflows.marketing.studies.inputs import Figure

MAX_PERIODS = 600
MAX_CONTROLS = 20
MAX_UNITS = 500

Values = Annotated[list[Figure], Field(min_length=2, max_length=MAX_PERIODS)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Level = Annotated[float, Field(ge=0.5, le=0.99)]


def _moves(values: list[float], name: str) -> None:
    if min(values) == max(values):
        raise PydanticCustomError("constant", "{name} never changes", {"name": name})


class ImpactArguments(Strict):
    """A series with its controls and the first period of an intervention; periods are days or weeks without a gap."""

    periods: list[date] = Field(min_length=MIN_PAST + 1, max_length=MAX_PERIODS)
    values: Values
    controls: dict[Name, Values] = Field(default_factory=dict, max_length=MAX_CONTROLS)
    intervention: date
    level: Level = 0.9

    @field_validator("periods")
    @classmethod
    def check_regular(cls, value: list[date]) -> list[date]:
        """Require days or weeks in order, without a gap."""
        step = value[1] - value[0]
        if step not in (timedelta(days=1), timedelta(days=7)):
            raise PydanticCustomError("periods_irregular", "Periods should be days or weeks, in order")
        for place in range(1, len(value)):
            if value[place] - value[place - 1] != step:
                raise PydanticCustomError(
                    "periods_gap",
                    "Periods should follow each other without a gap; see place {place}",
                    {"place": place},
                )
        return value

    @field_validator("values")
    @classmethod
    def check_values(cls, value: list[float], info: ValidationInfo) -> list[float]:
        """Require a value of each period, and that they change."""
        _as_many(value, info, "values")
        _moves(value, "The series")
        return value

    @field_validator("controls")
    @classmethod
    def check_controls(cls, value: dict[str, list[float]], info: ValidationInfo) -> dict[str, list[float]]:
        """Require a value of each period in every control."""
        for name, each in value.items():
            _as_many(each, info, name)
            _moves(each, f"The control {name}")
        return value

    @field_validator("intervention")
    @classmethod
    def check_intervention(cls, value: date, info: ValidationInfo) -> date:
        """Require enough periods before it, and one after."""
        periods, controls = info.data.get("periods"), info.data.get("controls")
        if periods is None or controls is None:
            return value
        before = sum(each < value for each in periods)
        least = max(MIN_PAST, len(controls) + 4)
        if before < least or before == len(periods):
            raise PydanticCustomError(
                "intervention_place", "It needs at least {least} periods before it and one after; there are {before} and {after}",
                {"least": least, "before": before, "after": len(periods) - before},
            )  # fmt: skip
        return value


def _as_many(values: list[float], info: ValidationInfo, name: str) -> None:
    periods = info.data.get("periods")
    if periods is not None and len(values) != len(periods):
        raise PydanticCustomError(
            "length",
            "{name} has {count} values for {wanted} periods",
            {"name": name, "count": len(values), "wanted": len(periods)},
        )


class PanelArguments(Strict):
    """Outcomes of units, such as regions, which of them are treated, and the first treated period, counted from 0."""

    units: dict[Name, Values] = Field(min_length=4, max_length=MAX_UNITS)
    treated: list[Name] = Field(min_length=2, max_length=MAX_UNITS)
    start: int = Field(ge=1, strict=True)
    level: Level = 0.9
    spend: Annotated[Figure, Field(gt=0)] | None = None

    @field_validator("units")
    @classmethod
    def check_units(cls, value: dict[str, list[float]]) -> dict[str, list[float]]:
        """Require as many periods of every unit."""
        lengths = {name: len(each) for name, each in value.items()}
        first = next(iter(lengths.values()))
        for name, count in lengths.items():
            if count != first:
                raise PydanticCustomError(
                    "length",
                    "{name} has {count} periods, others have {wanted}",
                    {"name": name, "count": count, "wanted": first},
                )
        return value

    @field_validator("treated")
    @classmethod
    def check_treated(cls, value: list[str], info: ValidationInfo) -> list[str]:
        """Require two units or more on either side."""
        units = info.data.get("units")
        if units is None:
            return value
        for name in value:
            if name not in units:
                raise PydanticCustomError("unknown_unit", "No unit is called {name}", {"name": name})
        if len(set(value)) < 2 or len(units) - len(set(value)) < 2:
            raise PydanticCustomError("too_few_units", "At least two units should be treated, and two not")
        return value

    @field_validator("start")
    @classmethod
    def check_start(cls, value: int, info: ValidationInfo) -> int:
        """Require a period after the start."""
        units = info.data.get("units")
        if units and value >= len(next(iter(units.values()))):
            raise PydanticCustomError(
                "start_after_end", "The first treated period should be among the units' periods"
            )
        return value


class SaturationArguments(Strict):
    """Spend of a channel and the outcome of the same periods."""

    spend: Annotated[list[Annotated[Figure, Field(ge=0)]], Field(min_length=20, max_length=MAX_PERIODS)]
    outcome: Values

    @field_validator("spend")
    @classmethod
    def check_spend(cls, value: list[float]) -> list[float]:
        """Require spend that changes."""
        _moves(value, "Spend")
        return value

    @field_validator("outcome")
    @classmethod
    def check_outcome(cls, value: list[float], info: ValidationInfo) -> list[float]:
        """Require an outcome of each period that changes."""
        spend = info.data.get("spend")
        if spend is not None and len(spend) != len(value):
            raise PydanticCustomError(
                "length",
                "There are {count} outcomes for {wanted} periods",
                {"count": len(value), "wanted": len(spend)},
            )
        _moves(value, "The outcome")
        return value
