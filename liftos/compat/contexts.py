"""An organisation's context, as the old platform's callers open and close it. Memories do not depend on it: see docs/memory-life.md."""

from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import Actor
from memory.models import Context, Memory

BACKEND = "postgres+pgvector"


@dataclass(frozen=True, slots=True)
class ContextStats:
    """The caller's own contexts: there is one an organisation, active unless it was closed."""

    total: int
    active: int


def initialise_context(*, organisation: UUID, by: Actor, domain: str) -> None:
    """Open the organisation's context, or open it again, for a domain of knowledge."""
    with tenant_transaction(organisation):
        Context.objects.update_or_create(
            organisation_id=organisation,
            defaults={"domain": domain, "initialised_at": timezone.now(), "closed_at": None},
        )
        record(
            organisation=organisation,
            by=by,
            operation="memory.context_initialise",
            reasoning=f"Context opened for the domain {domain!r}." if domain else "Context opened.",
            inputs={"domain": domain},
        )


def close_context(*, organisation: UUID, by: Actor) -> UUID:
    """Close the organisation's context; return the decision's id. No memory is changed or removed."""
    with tenant_transaction(organisation):
        now = timezone.now()
        Context.objects.update_or_create(
            organisation_id=organisation,
            defaults={"closed_at": now},
            create_defaults={"domain": "", "initialised_at": now, "closed_at": now},
        )
        return record(
            organisation=organisation,
            by=by,
            operation="memory.context_cleanup",
            effect=Effect.WRITE,
            reasoning="Context closed at the caller's request. Memories are kept, and found as before.",
            outputs={"memories_removed": 0},
        )


def get_context_stats(*, organisation: UUID) -> ContextStats:
    """Return the organisation's contexts, inside the caller's tenant transaction."""
    row = Context.objects.filter(organisation_id=organisation).first()
    if row is not None:
        return ContextStats(1, int(row.closed_at is None))
    # who has stored something works in its context without having opened it
    used = int(Memory.objects.filter(organisation_id=organisation).exists())
    return ContextStats(used, used)
