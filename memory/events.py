"""The events that memory emits."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from liftos.kernel.outbox.types import EventType
from liftos.kernel.tenancy.types import Scope
from memory.care_types import Kind
from memory.types import TrustState


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid")


class MemoryStored(_Data):
    """A new memory; its text is read with its id."""

    memory_id: UUID
    memory_type: str
    source: str
    decision_id: UUID


class MemoryChanged(_Data):
    """The operation, and what it changed: fields, or the trust state."""

    memory_id: UUID
    operation: str
    decision_id: UUID
    changed: list[str] | None = None
    state: TrustState | None = None


class MemoryErased(_Data):
    """The erasure's receipt."""

    memory_id: UUID
    erasure_id: UUID
    decision_id: UUID


class MemoryLinked(_Data):
    """A link; `target` is null if it is not stored yet."""

    memory_id: UUID
    kind: str
    target: UUID | None
    decision_id: UUID


class MemoryProposed(_Data):
    """A proposal of the memory's own care: its kind, and the memory that would stay."""

    memory_id: UUID
    other_id: UUID
    kind: Kind
    proposal_id: UUID


_ABOUT = "memories/{memory_id}"


def _type(name: str, description: str, data: type[BaseModel]) -> EventType:
    return EventType(f"liftos.memory.{name}", description, _ABOUT, data, Scope.MEMORY_READ)


EVENTS = (
    _type("stored", "A memory was stored.", MemoryStored),
    _type("changed", "A memory's text, metadata, trust state or visibility changed.", MemoryChanged),
    _type("rejected", "A memory was rejected: its value is not stored again.", MemoryChanged),
    _type("erased", "A memory was erased with everything derived from it.", MemoryErased),
    _type("proposed", "A memory is proposed to be superseded, expired or contested.", MemoryProposed),
    _type("linked", "A link between memories was created or changed.", MemoryLinked),
    _type("unlinked", "A link between memories was deleted.", MemoryLinked),
)
