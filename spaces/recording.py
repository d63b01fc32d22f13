"""The decision record and the event of a change to a space."""

from typing import Any
from uuid import UUID

from django.utils import timezone

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.outbox.operations import emit
from liftos.kernel.tenancy.types import Actor
from spaces.models import Space


def record_change(
    space: Space, by: Actor, operation: str, reasoning: str, *, effect: Effect = Effect.WRITE, **more: Any
) -> UUID:
    """Record a decision about a space; `more` are arguments of `accountability.operations.record`."""
    return record(
        organisation=space.organisation_id,
        by=by,
        operation=operation,
        effect=effect,
        subject=("space", str(space.id)),
        reasoning=reasoning,
        **more,
    )


def touch(space: Space) -> None:
    """Set the time of a space's last change."""
    Space.objects.filter(organisation_id=space.organisation_id, id=space.id).update(updated_at=timezone.now())


def emit_event(space: Space, kind: str, decision: UUID) -> None:
    """Emit an event about a space."""
    emit(
        organisation=space.organisation_id,
        type=kind,
        subject=f"spaces/{space.id}",
        data={
            "space_id": str(space.id),
            "name": space.name,
            "version": space.version,
            "decision_id": str(decision),
        },
    )
