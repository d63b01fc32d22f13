"""Keep the typed rows of entries equal to their memories, whichever way these are stored, imported, changed or moved."""

from collections.abc import Sequence
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor, whole_tenant
from liftos.kernel.erasure.types import Going
from memory.types import VISIBLE
from workflows.marketing.statements import DELETE_ENTRIES, FORGET_ENTRIES, WRITE_ENTRIES
from workflows.marketing.types import ENTRY_TYPES, DataSource


def follow_entries(organisation: UUID, memories: Sequence[UUID]) -> None:
    """Write the rows of memories that are entries, and remove those of memories that no longer are. See `memory.ports.Follower`."""
    values = {
        "organisation": organisation,
        "memories": list(memories),
        "types": list(ENTRY_TYPES),
        "sources": [str(each) for each in DataSource],
        "visible": [str(each) for each in VISIBLE],
    }
    for statement in (FORGET_ENTRIES, WRITE_ENTRIES):
        raw_cursor().execute(statement, values)


def erase_entries(going: Going) -> int:
    """Remove the rows of erased memories; return their number. See `memory.ports.Eraser`."""
    with whole_tenant(going.organisation), raw_cursor() as cursor:
        return cursor.execute(DELETE_ENTRIES, (going.organisation, list(going.memories))).rowcount
