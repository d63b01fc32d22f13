"""The conditions of a trigger, and whether an event meets them."""

from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field, JsonValue, model_validator

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import read_column
from liftos.kernel.ids import as_uuid
from liftos.kernel.outbox.types import Event
from memory.search.filter_sql import where_row
from memory.search.narrowing_inputs import NarrowIn
from memory.statements import PASSING
from spaces.query.membership import Bounds, is_inside

SPACE = ("concept", "position")
OF_MEMORY = frozenset(NarrowIn.model_fields) - {"known_at", "as_of"}
Number = Annotated[float, Field(allow_inf_nan=False)]


class TriggerConditions(NarrowIn):
    """Conditions on the event's memory, as in lists; on its place in a space; on a decision's confidence; on the event's data.

    `space` with `concept` is the concept's region; with `position`, bounds of coordinates: `{"price": {"min": 0.7}}`.
    """

    space: str | None = Field(default=None, min_length=1, max_length=200)
    concept: str | None = Field(default=None, min_length=1, max_length=200)
    position: dict[str, Bounds] | None = Field(default=None, min_length=1, max_length=20)
    confidence_below: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    data: dict[str, JsonValue] | None = Field(default=None, min_length=1, max_length=20)

    @model_validator(mode="after")
    def check_space(self) -> "TriggerConditions":
        """Require a concept or bounds with a space, and a space with them; refuse times of knowledge."""
        asked = self.concept is not None or self.position is not None
        if (self.space is not None) != asked:
            raise ValueError("space needs concept or position, and they need space")
        if self.known_at is not None or self.as_of is not None:
            raise ValueError("known_at and as_of can't be conditions")
        return self

    @property
    def has_memory_conditions(self) -> bool:
        """True if only events about memories can meet them."""
        return self.space is not None or any(getattr(self, name) is not None for name in OF_MEMORY)


def meets(conditions: TriggerConditions, event: Event) -> bool:
    """Return whether an event meets conditions, for the transaction's viewer; inside a tenant transaction."""
    data = event.data if isinstance(event.data, dict) else {}
    if conditions.data and any(data.get(name) != value for name, value in conditions.data.items()):
        return False
    if conditions.confidence_below is not None and not _is_unsure(
        event.organisation, as_uuid(data.get("decision_id")), conditions.confidence_below
    ):
        return False
    if not conditions.has_memory_conditions:
        return True
    memory = as_uuid(data.get("memory_id"))
    return memory is not None and _memory_meets(conditions, event.organisation, memory)


def _is_unsure(organisation: UUID, decision: UUID | None, below: float) -> bool:
    if decision is None:
        return False
    rows = DecisionRecord.objects.filter(organisation_id=organisation, id=decision, confidence__lt=below)
    return rows.exists()


def _memory_meets(conditions: TriggerConditions, organisation: UUID, memory: UUID) -> bool:
    request = replace(conditions.narrowed(), query="")
    condition, values = where_row(request, "m")
    values |= {"organisation": organisation, "memories": [memory]}
    if not read_column(PASSING.format(where=condition), values):
        return False
    if conditions.space is None:
        return True
    return is_inside(
        organisation=organisation,
        space=conditions.space,
        memory=memory,
        concept=conditions.concept,
        bounds=conditions.position or {},
    )


def read_conditions(stored: dict[str, Any]) -> TriggerConditions:
    """Return stored conditions."""
    return TriggerConditions.model_validate(stored)
