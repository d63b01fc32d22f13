"""Delete memories from memory's own tables, and count the rows."""

from collections.abc import Callable, Sequence
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from memory.models import Memory
from memory.trust.versions import remove_index

_COUNT = """
SELECT (SELECT count(*) FROM memory_memoryvector WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s)),
       (SELECT count(*) FROM memory_memorylink WHERE organisation_id = %(organisation)s
        AND (memory_id = ANY(%(ids)s) OR target_id = ANY(%(ids)s))),
       (SELECT count(*) FROM memory_attribute WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s)),
       (SELECT count(*) FROM memory_entity WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s))
"""
_VERSIONS = "DELETE FROM memory_memoryversion WHERE organisation_id = %s AND memory_id = ANY(%s)"
# earlier texts first, because they refer to their memory; vectors and links cascade
_EARLIER = "DELETE FROM memory_memory WHERE organisation_id = %s AND head = ANY(%s)"
_MEMORIES = "DELETE FROM memory_memory WHERE organisation_id = %s AND id = ANY(%s)"


def remove_memories(
    organisation: UUID,
    rows: Sequence[Memory],
    earlier: Sequence[Memory],
    *,
    elsewhere: Callable[[], dict[str, int]],
) -> dict[str, int]:
    """Delete memories with their versions and index rows; return the number of rows by kind.

    Args:
        organisation: the tenant.
        rows: the memories.
        earlier: the rows of their earlier texts.
        elsewhere: called first, to delete other apps' rows; returns their number by name.
    """
    heads = [row.id for row in rows]
    values = {"organisation": organisation, "ids": [*heads, *(row.id for row in earlier)]}
    with raw_cursor() as cursor:
        counted = cursor.execute(_COUNT, values).fetchone()
    assert counted is not None  # noqa: S101  a SELECT without FROM has one row
    removed: dict[str, int] = dict(zip(("vectors", "links", "attributes", "entities"), counted, strict=True))
    removed["words"] = sum(row.term_count for row in (*rows, *earlier))
    removed |= elsewhere()
    remove_index(organisation, [*earlier, *rows])
    with raw_cursor() as cursor:
        removed["versions"] = len(rows) + cursor.execute(_VERSIONS, (organisation, heads)).rowcount
        cursor.execute(_EARLIER, (organisation, heads))
        cursor.execute(_MEMORIES, (organisation, heads))
    return removed
