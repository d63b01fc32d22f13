"""`/api/v1/decisions/{decision}/outcomes`: what came of a decision."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.utils import timezone
from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    FiniteFloat,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError
from rest_framework.request import Request
from rest_framework.response import Response

from accountability import queries
from accountability.inputs import SKEW
from accountability.outcomes.operations import record_outcome
from accountability.outcomes.queries import MOST_LISTED, list_outcomes
from accountability.outcomes.types import Outcome, Target
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.dump import as_json
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope

MAX_NUMBER = 10**18
MAX_TEXT = 500


def _is_plain(value: Any) -> Any:
    """Refuse anything other than a boolean, a number or a short text, in one error."""
    if isinstance(value, bool) or (isinstance(value, str) and 0 < len(value) <= MAX_TEXT):
        return value
    if isinstance(value, int | float) and abs(value) <= MAX_NUMBER:
        return value
    raise PydanticCustomError(
        "outcome_value",
        "Input should be a boolean, a number between -1e18 and 1e18, or a text of 1 to 500 characters",
    )


class OutcomeIn(Strict):
    """An outcome of a decision.

    A boolean `value` says whether the decision was right. A number is right if it lies within `at_least` and `at_most`; without these, a
    number from 0 to 1 without `unit` is a share of success. Other values are kept, and do not count in calibration.
    """

    value: Annotated[StrictBool | StrictInt | StrictFloat | StrictStr, BeforeValidator(_is_plain)]
    unit: str = Field(default="", max_length=50)
    at: Moment | None = None
    note: str = Field(default="", max_length=2_000)
    at_least: FiniteFloat | None = None
    at_most: FiniteFloat | None = None

    @field_validator("at")
    @classmethod
    def has_been(cls, moment: datetime | None) -> datetime | None:
        """Refuse a time in the future, with 5 minutes' tolerance for clock skew."""
        if moment is not None and moment > timezone.now() + SKEW:
            raise ValueError("must not be in the future")
        return moment

    @field_validator("at_least", "at_most")
    @classmethod
    def bounds_a_number(cls, bound: float | None, info: ValidationInfo) -> float | None:
        """Require a number as value for a target, and its bounds in order."""
        if bound is None:
            return bound
        if isinstance(info.data.get("value"), bool | str):
            raise PydanticCustomError("target_of_number", "A target needs a number as value")
        least = info.data.get("at_least")
        if least is not None and bound < least:
            raise PydanticCustomError("target_order", "at_least must not exceed at_most")
        return bound


class OutcomeOut(BaseModel):
    """An outcome; `id` is its own record's. `rightness` is how right the decision was, 0..1; null if the value does not say.

    `value` is null, and `unit` and `note` are empty, once its payload has been erased.
    """

    id: UUID
    decision_id: UUID
    value: bool | int | float | str | None
    unit: str
    note: str
    at: datetime
    target: dict[str, float | None] | None
    rightness: float | None
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    recorded_at: datetime


class OutcomeCreated(BaseModel):
    """The response to a recorded outcome; `id` is its own record's."""

    id: UUID
    decision_id: UUID
    rightness: float | None


class OutcomeList(BaseModel):
    """The outcomes of a decision, oldest first; the newest 1,000."""

    results: list[OutcomeOut]
    next: None


def render_outcome(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as JSON-ready values."""
    actor = outcome.actor
    named = {"actor_kind": actor.kind, "actor_id": actor.id, "on_behalf_of": actor.on_behalf_of}
    return as_json(OutcomeOut, outcome, **named)


class DecisionOutcomes(NativeView):
    """The outcomes of a decision."""

    scopes = {"GET": Scope.DECISIONS_READ, "POST": Scope.DECISIONS_WRITE}

    @described("outcomes_create", request=OutcomeIn, responses={201: OutcomeCreated})
    @once
    def post(self, request: Request, decision: UUID) -> Response:
        """Record what came of a decision."""
        body = self.body(OutcomeIn)
        outcome, right = record_outcome(
            **self.caller,
            decision=decision,
            value=body.value,
            unit=body.unit,
            at=body.at or timezone.now(),
            note=body.note,
            target=Target(body.at_least, body.at_most),
        )
        created = OutcomeCreated(id=outcome, decision_id=decision, rightness=right)
        return Response(created.model_dump(mode="json"), status=201)

    @described("outcomes_of_decision", responses={200: OutcomeList})
    def get(self, request: Request, decision: UUID) -> Response:
        """Return the outcomes of a decision, oldest first."""
        with tenant_transaction(self.organisation):
            queries.get_decision(organisation=self.organisation, decision=decision)
            found = list_outcomes(organisation=self.organisation, decisions=[decision], most=MOST_LISTED)
        return Response({"results": [render_outcome(each) for each in found.get(decision, [])], "next": None})
