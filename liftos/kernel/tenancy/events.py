"""The events of API keys."""

from pydantic import BaseModel, ConfigDict

from liftos.kernel.outbox.types import EventType
from liftos.kernel.tenancy.types import Scope


class KeyEvent(BaseModel):
    """A key, by the beginning of its token."""

    model_config = ConfigDict(extra="forbid")

    prefix: str
    scopes: list[str]


EVENTS = tuple(
    EventType(f"liftos.api_key.{name}", description, "api_keys/{id}", KeyEvent, Scope.ADMIN)
    for name, description in (
        ("create", "An API key was created."),
        ("rotate", "An API key was replaced; the former one expires after an overlap."),
        ("revoke", "An API key was revoked."),
    )
)
