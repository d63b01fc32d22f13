"""What a decision record says. No Django here."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Effect(StrEnum):
    """What carrying out the decision did."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"


class RiskClass(StrEnum):
    """How much a wrong decision can harm; decides who reviews what first."""

    MINIMAL = "minimal"
    LIMITED = "limited"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision record as it is read back; the payload fields are empty once erased."""

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
    reasoning: str = ""
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)
    alternatives: list[Any] = field(default_factory=list)
    memories: list[dict[str, Any]] = field(default_factory=list)
