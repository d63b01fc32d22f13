"""Contexts, which callers of the old platform open and close; memories do not depend on them (docs/memory-life.md)."""

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
    """Numbers of the organisation's contexts: at most one, active unless closed."""

    total: int
    active: int


def initialise_context(*, organisation: UUID, by: Actor, domain: str) -> None:
    """Open or reopen the organisation's context for a domain of knowledge."""
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
    """Close the organisation's context, leaving memories unchanged; return the decision's id."""
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
            reasoning="Context closed at the caller's request. Memories are unchanged.",
            outputs={"memories_removed": 0},
        )


def get_context_stats(*, organisation: UUID) -> ContextStats:
    """Count the organisation's contexts, inside the caller's tenant transaction."""
    row = Context.objects.filter(organisation_id=organisation).first()
    if row is not None:
        return ContextStats(1, int(row.closed_at is None))
    # storing a memory opens the context implicitly
    used = int(Memory.objects.filter(organisation_id=organisation).exists())
    return ContextStats(used, used)
