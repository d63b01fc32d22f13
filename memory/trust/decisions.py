"""The decisions that stored and changed a memory, kept with it because records of several memories have no subject."""

from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from memory.trust.statements import DECISIONS_OF_MEMORY


def decisions_of(organisation: UUID, memory: UUID) -> list[UUID]:
    """Return the decisions that stored and changed a memory; only the first after its erasure."""
    with raw_cursor() as cursor:
        rows = cursor.execute(
            DECISIONS_OF_MEMORY, {"organisation": organisation, "memory": memory}
        ).fetchall()
    return [row[0] for row in rows]
