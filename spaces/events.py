"""The events that spaces emits."""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from liftos.kernel.outbox.types import EventType
from liftos.kernel.tenancy.types import Scope


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SpaceEvent(_Data):
    """A space and its version."""

    space_id: UUID
    name: str
    version: int
    decision_id: UUID


def _type(name: str, description: str) -> EventType:
    return EventType(f"liftos.space.{name}", description, "spaces/{space_id}", SpaceEvent, Scope.SPACES_READ)


EVENTS = (
    _type("created", "A conceptual space was created."),
    _type("version.published", "A space got other dimensions; `version` is the new one."),
    _type("deleted", "A space was deleted."),
)
