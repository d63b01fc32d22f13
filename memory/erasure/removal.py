"""Delete memories from memory's own tables, and count the rows."""

from collections.abc import Callable, Sequence
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.files.operations import give_up_files
from memory.erasure.statements import (
    COUNT_INDEX_ROWS,
    DELETE_EARLIER_TEXTS,
    DELETE_MEMORIES,
    DELETE_VERSIONS,
    DELETE_WAITING_LINKS,
)
from memory.index.stored import remove_index
from memory.models import Document, Memory


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
        counted = cursor.execute(COUNT_INDEX_ROWS, values).fetchone()
    assert counted is not None  # noqa: S101  a SELECT without FROM has one row
    removed: dict[str, int] = dict(
        zip(("vectors", "passages", "links", "attributes", "entities"), counted, strict=True)
    )
    named = [(row.source, row.external_id) for row in rows if row.external_id]
    if named:
        sources, external_ids = zip(*named, strict=True)
        values |= {"sources": list(sources), "external_ids": list(external_ids)}
        with raw_cursor() as cursor:
            removed["links"] += cursor.execute(DELETE_WAITING_LINKS, values).rowcount
    removed["words"] = sum(row.term_count for row in (*rows, *earlier))
    files = Document.objects.filter(organisation_id=organisation, memory_id__in=heads).exclude(file="")
    removed["originals"] = give_up_files(
        organisation=organisation, keys=list(files.values_list("file", flat=True))
    )
    removed |= elsewhere()
    remove_index(organisation, [*earlier, *rows], erases=True)
    with raw_cursor() as cursor:
        removed["versions"] = len(rows) + cursor.execute(DELETE_VERSIONS, (organisation, heads)).rowcount
        cursor.execute(DELETE_EARLIER_TEXTS, (organisation, heads))
        cursor.execute(DELETE_MEMORIES, (organisation, heads))
    return removed
