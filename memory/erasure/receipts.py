"""Receipts of erasures: written with the erasure, read later."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.erasure.types import Going
from liftos.kernel.errors import NotFound
from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.types import Actor
from memory.analysis.value_keys import origin_key
from memory.erasure.statements import INSERT_FURTHER_RECEIPTS
from memory.models import Erasure, Memory
from memory.trust.derived_memories import SHOWN, Derived


class ErasureNotFound(NotFound):
    """There is no such erasure."""

    code = "memory.erasure_not_found"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The result of an erasure: its id, the first memory, the decision, derived memories, and counts: of memories erased and by place."""

    id: UUID
    memory: UUID
    decision: UUID
    derived: Derived
    memories: int = 1
    removed: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)


def get_erasure(*, organisation: UUID, erasure: UUID) -> Erasure:
    """Return a receipt.

    Raises:
        ErasureNotFound: not in this organisation.
    """
    row = Erasure.objects.filter(organisation_id=organisation, id=erasure).first()
    if row is None:
        raise ErasureNotFound
    return row


def write_receipt(
    going: Going,
    by: Actor,
    rows: Sequence[Memory],
    removed: dict[str, int],
    derived: Derived,
    decision: UUID,
    at: datetime,
    caches: dict[str, Any],
    scope: int,
) -> None:
    """Write the receipt, which those in `scope` may read, and a row that refers to it for each further memory."""
    kept = {"places": going.kept, "not_looked_at": sorted(going.not_looked_at)}
    shown = {"derived_memories": [str(each) for each in derived.found[:SHOWN]], "derived": derived.counts}
    origins = [
        origin_key(going.organisation, row.source, row.external_id) if row.external_id else None
        for row in rows
    ]
    Erasure.objects.create(
        id=going.erasure,
        organisation_id=going.organisation,
        scope_id=scope,
        memory_id=going.memories[0],
        origin=origins[0] if rows else None,
        stored_by=rows[0].stored_by if rows else None,
        removed=removed,
        caches=caches | shown,
        kept=kept,
        actor_kind=by.kind,
        actor_id=by.id,
        on_behalf_of=by.on_behalf_of,
        decision_id=decision,
        recorded_at=at,
    )
    if len(rows) > 1:
        values = {
            "receipt": going.erasure,
            "ids": [new_id() for _ in rows[1:]],
            "memories": [row.id for row in rows[1:]],
            "origins": origins[1:],
            "stored_by": [row.stored_by for row in rows[1:]],
            "scopes": [row.scope_id for row in rows[1:]],
        }
        raw_cursor().execute(INSERT_FURTHER_RECEIPTS, values)
