"""Erasing what decisions said of a memory.

The records stay, and so do their proofs: a leaf holds only a salted commitment to the payload, and the salt goes with it. The record of
the erasure lists them, so that a payload that is missing without one is found (accountability.verification).
"""

from collections.abc import Iterable
from uuid import UUID

from liftos.db import raw_cursor

# where the outputs of an erasure's record list the decisions whose payloads it scrubbed
LISTED = "erased_decisions"

_CITE = """
INSERT INTO accountability_citedmemory (organisation_id, memory_id, decision_id)
SELECT %s, memory, %s FROM unnest(%s::uuid[]) AS memory ON CONFLICT DO NOTHING
"""
# an erasure's own record is never scrubbed: it says which others were
_LIST = """
SELECT p.decision_id FROM accountability_decisionpayload AS p
JOIN accountability_decisionrecord AS r ON r.organisation_id = p.organisation_id AND r.id = p.decision_id
WHERE p.organisation_id = %(organisation)s AND r.operation <> 'memory.delete' AND p.decision_id IN (
    SELECT id FROM accountability_decisionrecord
    WHERE organisation_id = %(organisation)s AND subject_kind = 'memory' AND subject_id = %(subject)s AND subject_id <> ''
    UNION ALL
    SELECT decision_id FROM accountability_citedmemory WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s
)
ORDER BY p.decision_id
"""
_ERASE = "SELECT liftos_erase_payloads(%s)"
_FORGET = "DELETE FROM accountability_citedmemory WHERE organisation_id = %s AND memory_id = %s"


def cite(*, organisation: UUID, decision: UUID, memories: Iterable[UUID]) -> None:
    """Note that a decision's payload may quote memories that are not its subject. Searches name ids alone: not noted."""
    wanted = list(memories)
    if wanted:
        with raw_cursor() as cursor:
            cursor.execute(_CITE, (organisation, decision, wanted))


def payloads_about(*, organisation: UUID, memory: UUID) -> list[UUID]:
    """Return the decisions about a memory, or that cite it, whose payload is there: what its erasure lists and scrubs."""
    with raw_cursor() as cursor:
        values = {"organisation": organisation, "memory": memory, "subject": str(memory)}
        return [row[0] for row in cursor.execute(_LIST, values).fetchall()]


def erase_payloads(*, organisation: UUID, memory: UUID, erasure: UUID) -> int:
    """Delete the payloads that an erasure's record lists, in the transaction that wrote it; return how many.

    The application itself may delete none: Postgres does (`liftos_erase_payloads`), and only on the word of a record.

    Args:
        organisation: whose.
        memory: the erased memory.
        erasure: the record of `memory.delete`, with `payloads_about` the memory under LISTED in its outputs.

    Raises:
        psycopg.errors.InsufficientPrivilege: the record is none of this transaction, or lists a decision of another memory.
    """
    with raw_cursor() as cursor:
        row = cursor.execute(_ERASE, [erasure]).fetchone()
        cursor.execute(_FORGET, (organisation, memory))
    return row[0] if row else 0
