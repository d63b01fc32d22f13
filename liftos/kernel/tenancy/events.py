"""The events of API keys and of break-glass."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from liftos.kernel.outbox.types import EventType
from liftos.kernel.tenancy.types import Scope


class KeyEvent(BaseModel):
    """A key, by the beginning of its token: whose it is, and who did it."""

    model_config = ConfigDict(extra="forbid")

    prefix: str
    scopes: list[str]
    principal_id: UUID | None
    actor_kind: str
    actor_id: str


class BreakGlassEvent(BaseModel):
    """A break-glass: who may read until when."""

    model_config = ConfigDict(extra="forbid")

    break_glass_id: UUID
    principal_id: UUID | None
    group_id: UUID | None
    actor_kind: str
    actor_id: str
    until: datetime


_KEYS = tuple(
    EventType(f"liftos.api_key.{name}", description, "api_keys/{id}", KeyEvent, Scope.ADMIN)
    for name, description in (
        ("create", "An API key was created."),
        ("rotate", "An API key was replaced; the former one expires after an overlap."),
        ("revoke", "An API key was revoked."),
    )
)
EVENTS = (
    *_KEYS,
    *(
        EventType(
            f"liftos.break_glass.{name}",
            description,
            "break_glass/{break_glass_id}",
            BreakGlassEvent,
            Scope.DECISIONS_READ,
        )
        for name, description in (
            ("opened", "An administrator may now read what only a principal, or a group, sees."),
            ("ended", "A break-glass was ended before its time."),
        )
    ),
)
