"""The decisions that stored and changed a memory, kept with it because records of several memories have no subject."""

from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor

_DECISIONS = """
SELECT stored_by FROM memory_memory
WHERE organisation_id = %(organisation)s AND id = %(memory)s AND stored_by IS NOT NULL
UNION SELECT decision_id FROM memory_memoryversion
WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s
UNION SELECT stored_by FROM memory_erasure
WHERE organisation_id = %(organisation)s AND memory_id = %(memory)s AND stored_by IS NOT NULL
"""


def decisions_of(organisation: UUID, memory: UUID) -> list[UUID]:
    """Return the decisions that stored and changed a memory; only the first after its erasure."""
    with raw_cursor() as cursor:
        rows = cursor.execute(_DECISIONS, {"organisation": organisation, "memory": memory}).fetchall()
    return [row[0] for row in rows]
