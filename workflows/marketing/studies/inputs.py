"""Experiments and models as callers write them."""

from datetime import date
from math import isfinite
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, ValidationInfo, create_model, field_validator
from pydantic_core import PydanticCustomError

from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import not_before
from memory.inputs import VisibleToIn, not_blank
from workflows.marketing.studies.types import StudyKind
from workflows.marketing.types import MAX_NAME

MOST = 1e15


def _figure(value: float) -> float:
    if not isfinite(value) or abs(value) >= MOST:
        raise PydanticCustomError("figure", "Input should be a finite number below 10^15, either way")
    return value


Figure = Annotated[float, Field(strict=True), AfterValidator(_figure)]
"""A finite number; no text, no boolean."""
Positive = Annotated[Figure, Field(gt=0)]
Short = Annotated[str, Field(max_length=MAX_NAME), AfterValidator(not_blank)]
Long = Annotated[str, Field(max_length=2_000), AfterValidator(not_blank)]
Ids = Annotated[list[UUID], Field(max_length=500)]
Level = Annotated[float, Field(strict=True, ge=0.5, lt=1)]


class IntervalIn(Strict):
    """An estimate with its interval of a level."""

    estimate: Figure | None = None
    low: Figure | None = Field(default=None, validate_default=True)
    high: Figure | None = Field(default=None, validate_default=True)
    level: Level = 0.9

    @field_validator("low", "high")
    @classmethod
    def check_interval(cls, value: float | None, info: ValidationInfo) -> float | None:
        """Require the estimate to be within its interval, which is wider than a point."""
        if "estimate" not in info.data:
            return value
        estimate = info.data["estimate"]
        if value is None:
            if estimate is not None:
                raise PydanticCustomError("interval_missing", "An estimate needs low and high, its interval")
            return value
        if estimate is None:
            raise PydanticCustomError("interval_without_estimate", "An interval needs an estimate")
        outside = value > estimate if info.field_name == "low" else value < estimate
        if outside:
            raise PydanticCustomError(
                "interval_excludes_estimate",
                "The interval should contain the estimate, {estimate}",
                {"estimate": estimate},
            )
        if info.field_name == "high" and info.data.get("low") == value:
            raise PydanticCustomError("interval_empty", "high should be above low")
        return value


class LiftIn(Strict):
    """A lift test: spend before (`x`), its change, and the change of the outcome with its standard deviation, per period of a model."""

    x: Annotated[Figure, Field(ge=0)]
    delta_x: Figure
    delta_y: Figure | None = None
    sigma: Positive | None = None

    @field_validator("delta_x")
    @classmethod
    def check_change(cls, value: float, info: ValidationInfo) -> float:
        """Require a change of spend, to no less than nothing."""
        if value == 0 or info.data.get("x", 0) + value < 0:
            raise PydanticCustomError("change_of_spend", "delta_x should not be 0, nor below -x")
        return value


class StudyIn(Strict):
    """The fields that experiments and models share."""

    name: Short
    date_from: date
    date_to: date
    method: Short
    assumptions: list[Long] = Field(default_factory=list, max_length=50)
    data_used: Ids = Field(default_factory=list, description="ids of the memories it rests on: its receipt")
    data_note: Long | None = Field(
        default=None, description="how the data were got, such as the table's query"
    )
    decision_id: UUID | None = Field(default=None, description="the decision that followed")
    outcome: Long | None = Field(default=None, description="what came of the decision")

    _in_order = not_before("date_to", "date_from")
    kind: ClassVar[StudyKind]


class ExperimentIn(StudyIn, IntervalIn):
    """An experiment: its design, and once it is done its estimate."""

    kind = StudyKind.EXPERIMENT
    channel: Short
    metric: Short = "roas"
    status: Literal["planned", "running", "done", "cancelled"] = Field(default="done", validate_default=True)
    design: Short
    unit: Short | None = Field(default=None, description="what is assigned, such as geographic_region")
    units: int | None = Field(default=None, ge=1, le=2**31 - 1, strict=True)
    treatment: Long
    control: Long
    lift: LiftIn | None = None

    @field_validator("status")
    @classmethod
    def check_status(cls, value: str, info: ValidationInfo) -> str:
        """Require an estimate of what is done."""
        if value == "done" and "estimate" in info.data and info.data["estimate"] is None:
            raise PydanticCustomError("estimate_missing", "An experiment that is done needs an estimate")
        return value


class EstimateIn(IntervalIn):
    """A model's estimate for a channel."""

    channel: Short
    metric: Short = "roas"
    estimate: Figure
    low: Figure
    high: Figure


class ModelIn(StudyIn):
    """A model: what it was fitted with and to, and what it says of each channel."""

    kind = StudyKind.MODEL
    tool: Short | None = Field(default=None, description="such as meridian, robyn, pymc_marketing")
    estimates: list[EstimateIn] = Field(min_length=1, max_length=500)

    @field_validator("estimates")
    @classmethod
    def check_once(cls, value: list[EstimateIn]) -> list[EstimateIn]:
        """Require one estimate of each channel and metric."""
        seen = set()
        for number, each in enumerate(value):
            key = (each.channel, each.metric)
            if key in seen:
                raise PydanticCustomError(
                    "estimate_twice",
                    "Estimate {number} is of the same channel and metric as another",
                    {"number": number},
                )
            seen.add(key)
        return value


class New(Strict):
    """Further fields of a new one; later, links and readers are changed as those of any memory."""

    supports: Ids = Field(default_factory=list, description="ids of memories that it supports")
    contradicts: Ids = Field(default_factory=list, description="ids of memories that it contradicts")
    external_id: str = Field(default="", max_length=MAX_NAME, description="sent again, it is stored once")
    visible_to: VisibleToIn | None = None


class ExperimentCreate(ExperimentIn, New):
    """A new experiment."""


class ModelCreate(ModelIn, New):
    """A new model."""


def _patch(name: str, whole: type[StudyIn]) -> type[Strict]:
    fields: dict[str, Any] = {
        each: (
            field.annotation | None if field.annotation else Any,
            Field(default=None, description=field.description),
        )
        for each, field in whole.model_fields.items()
    }
    return create_model(name, __base__=Strict, __doc__="Changes; omitted fields stay, null clears.", **fields)


ExperimentPatch = _patch("ExperimentPatch", ExperimentIn)
ModelPatch = _patch("ModelPatch", ModelIn)
