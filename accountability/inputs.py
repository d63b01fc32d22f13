"""Input of `decisions.record`, from HTTP and from workflows."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from django.utils import timezone
from pydantic import AliasChoices, Field, field_validator

from accountability.types import Effect, RiskClass
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment

Name = Field(min_length=1, max_length=100)
SKEW = timedelta(minutes=5)


class Subject(Strict):
    """The subject of a decision."""

    kind: str = Field(max_length=50)
    id: str = Field(max_length=200)


class MemoryUsed(Strict):
    """A memory that a decision used, with its score."""

    id: UUID
    score: float | None = None
    version: int | Annotated[str, Field(max_length=100)] | None = None


class DecisionIn(Strict):
    """A decision that the caller made: the caller's own account."""

    operation: str = Name
    decision_point: str = Field(default="", max_length=100)
    reasoning: str = Field(min_length=1, max_length=20_000)
    inputs: dict[str, Any] = Field(default_factory=dict)
    outputs: dict[str, Any] = Field(default_factory=dict)
    alternatives: list[Any] = Field(default_factory=list, max_length=1_000)
    memories: list[MemoryUsed | UUID] = Field(default_factory=list, max_length=1_000)
    confidence: float | None = Field(default=None, ge=0, le=1)
    confidence_method: str = Field(default="", max_length=100)
    versions: dict[str, Any] = Field(
        default_factory=dict, validation_alias=AliasChoices("versions", "model_versions")
    )
    parents: list[UUID] = Field(default_factory=list, max_length=100)
    subject: Subject | None = None
    risk_class: RiskClass = RiskClass.MINIMAL
    effect: Effect = Effect.READ
    started_at: Moment | None = None
    wait: str = Field(default="", pattern="^(integrated)?$")

    @field_validator("started_at")
    @classmethod
    def has_begun(cls, moment: datetime | None) -> datetime | None:
        """Refuse a start in the future, with 5 minutes' tolerance for clock skew."""
        if moment is not None and moment > timezone.now() + SKEW:
            raise ValueError("must not be in the future")
        return moment
