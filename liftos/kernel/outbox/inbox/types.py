"""Events that arrive. No Django here."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event as its sender describes it.

    Attributes:
        id: the sender's; unique with `source`.
        source: who sends it.
        type: one of the sender's own.
        subject: what it is about, or "".
        data: JSON; the text of base64 if `attributes` has `data_base64`.
        attributes: the envelope's others: `time`, `datacontenttype`, `dataschema`, extensions.
        correlation_id: of what caused it, or "".
        traceparent: of the same, or "".
    """

    id: str
    source: str
    type: str
    subject: str = ""
    data: Any = None
    attributes: dict[str, Any] = field(default_factory=dict)
    correlation_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """An event that has arrived.

    Attributes:
        event: the id of its row.
        id: the sender's.
        source: the sender's.
        type: the sender's.
        memory: the memory that it became, or None.
        duplicate: whether it had arrived before.
    """

    event: UUID
    id: str
    source: str
    type: str
    memory: UUID | None
    duplicate: bool
