"""Reads of memories, inside the caller's tenant transaction."""

from uuid import UUID

from django.db import connection

from liftos.errors import NotFound
from memory.models import Memory


class MemoryNotFound(NotFound):
    """There is no such memory."""

    code = "memory.not_found"


def get_memory(*, organisation: UUID, memory: UUID, lock: bool = False) -> Memory:
    """Return one memory.

    Args:
        organisation: whose.
        memory: its id.
        lock: keep others from changing it until the transaction ends.

    Raises:
        MemoryNotFound: there is none in this organisation.
    """
    rows = Memory.objects.filter(organisation_id=organisation, id=memory)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise MemoryNotFound
    return row


def list_memories(
    *,
    organisation: UUID,
    limit: int,
    before: UUID | None = None,
    memory_type: str = "",
    source: str = "",
    external_id: str = "",
) -> list[Memory]:
    """Return memories, newest first; ids ascend with time, so the id is the cursor."""
    rows = Memory.objects.filter(organisation_id=organisation).order_by("-id")
    if before is not None:
        rows = rows.filter(id__lt=before)
    if memory_type:
        rows = rows.filter(memory_type=memory_type)
    if source:
        rows = rows.filter(source=source)
    if external_id:
        rows = rows.filter(external_id=external_id)
    return list(rows.prefetch_related("links")[:limit])


def list_organisations_with_pending() -> list[UUID]:
    """Return the organisations in which memories wait for a vector. Runs outside of a tenant, by a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_pending_embeddings()")
        return [row[0] for row in cursor.fetchall()]
