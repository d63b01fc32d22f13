"""Wire shapes of decisions."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from liftos.api.pagination import PageQuery, QueryText


class DecisionQuery(PageQuery):
    """Filters of the decision list."""

    operation: QueryText = ""
    correlation_id: QueryText = ""
    subject_id: QueryText = ""


class DecisionOut(BaseModel):
    """A decision record; the last five are empty once its payload has been erased."""

    id: UUID
    operation: str
    decision_point: str
    subject_kind: str
    subject_id: str
    risk_class: str
    effect: str
    confidence: float | None
    confidence_method: str
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    parents: list[UUID]
    versions: dict[str, Any]
    correlation_id: str
    trace_id: str
    span_id: str
    started_at: datetime
    ended_at: datetime
    recorded_at: datetime
    reasoning: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    alternatives: list[Any]
    memories: list[dict[str, Any]]


class DecisionPage(BaseModel):
    """A page of decisions."""

    results: list[DecisionOut]
    next: str | None
