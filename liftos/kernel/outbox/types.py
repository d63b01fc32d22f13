"""Events and their types. No Django here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from liftos.kernel.tenancy.types import Scope


class DeliveryState(StrEnum):
    """The state of a webhook's delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event that the product emits.

    Attributes:
        name: CloudEvents' `type`.
        description: when it is emitted, as a sentence.
        subject: the pattern of its subject.
        data: the shape of its data: ids and words of fixed lists, never texts of memories, so that erasure holds.
        requires: the scope without which nobody receives it.
    """

    name: str
    description: str
    subject: str
    data: type[BaseModel]
    requires: Scope


@dataclass(frozen=True, slots=True)
class Event:
    """An event that the relay has put in order.

    Attributes:
        organisation: a tenant.
        sequence: its place among the organisation's events, in the order of their commits.
        id: CloudEvents' `id`; unique with `source`.
        type: for example `liftos.memory.stored`.
        source: who emitted it.
        subject: what it is about.
        data: JSON.
        at: when it was emitted, aware UTC.
        correlation_id: of the request or run that caused it.
        traceparent: of the same.
        scope_id: who may see it.
        external_id: the sender's id, of an event from outside.
        attributes: its sender's other attributes.
    """

    organisation: UUID
    sequence: int
    id: UUID
    type: str
    source: str
    subject: str
    data: Any
    at: datetime
    correlation_id: str
    traceparent: str
    scope_id: int
    external_id: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)

    def envelope(self) -> dict[str, Any]:
        """Return the CloudEvents 1.0 JSON object, with the extensions for tracing and for the sequence."""
        return envelope(
            id=self.id, type=self.type, source=self.source, subject=self.subject, at=self.at, data=self.data,
            correlation_id=self.correlation_id, traceparent=self.traceparent, sequence=self.sequence,
            external_id=self.external_id, attributes=self.attributes,
        )  # fmt: skip


def envelope(
    *,
    id: UUID,  # noqa: A002  CloudEvents' words
    type: str,  # noqa: A002
    source: str,
    subject: str,
    at: datetime,
    data: Any,
    correlation_id: str,
    traceparent: str,
    sequence: int | None,
    external_id: str = "",
    attributes: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return a CloudEvents 1.0 JSON object; without a subject, a trace or a sequence, these are left out.

    An event from outside has its sender's id and attributes.
    """
    optional = {"subject": subject, "traceparent": traceparent, "correlationid": correlation_id}
    given = {name: value for name, value in attributes.items() if name != "data_base64"}
    return (
        {
            "specversion": "1.0",
            "id": external_id or str(id),
            "source": source,
            "type": type,
            "time": at.isoformat(),
        }
        | {name: value for name, value in optional.items() if value}
        # CloudEvents' sequence extension: a text
        | ({} if sequence is None else {"sequence": str(sequence)})
        | {"datacontenttype": "application/json"}
        | given
        | {"data_base64" if "data_base64" in attributes else "data": data}
    )
