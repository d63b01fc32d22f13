"""Erasing what decisions said of a memory.

The records stay, and so do their proofs: a leaf holds only a salted commitment to the payload, and the salt goes with it.
"""

from collections.abc import Iterable
from uuid import UUID

from liftos.db import raw_cursor

_CITE = """
INSERT INTO accountability_citedmemory (organisation_id, memory_id, decision_id)
SELECT %s, memory, %s FROM unnest(%s::uuid[]) AS memory ON CONFLICT DO NOTHING
"""
_ERASE = """
DELETE FROM accountability_decisionpayload WHERE organisation_id = %(organisation)s AND decision_id IN (
    SELECT id FROM accountability_decisionrecord
    WHERE organisation_id = %(organisation)s AND subject_kind = 'memory' AND subject_id = %(subject)s AND subject_id <> ''
    UNION ALL
    SELECT decision_id FROM accountability_citedmemory WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s
)
"""
_FORGET = "DELETE FROM accountability_citedmemory WHERE organisation_id = %s AND memory_id = %s"


def cite(*, organisation: UUID, decision: UUID, memories: Iterable[UUID]) -> None:
    """Note that a decision's payload may quote memories that are not its subject. Searches name ids alone: not noted."""
    wanted = list(memories)
    if wanted:
        with raw_cursor() as cursor:
            cursor.execute(_CITE, (organisation, decision, wanted))


def erase_payloads(*, organisation: UUID, memory: UUID) -> int:
    """Delete the payload of every decision about a memory, or that cites it, in the caller's transaction; return how many."""
    with raw_cursor() as cursor:
        values = {"organisation": organisation, "memory": memory, "subject": str(memory)}
        erased = cursor.execute(_ERASE, values).rowcount
        cursor.execute(_FORGET, (organisation, memory))
    return erased
