"""Bring an earlier version of a memory back, as a new version."""

from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import NotFound
from memory.models import Memory, MemoryVersion
from memory.queries import get_memory
from memory.trust.revision import VERSIONED, PreparedRevision, prepare_revision


class VersionNotFound(NotFound):
    """The memory has no such version."""

    code = "memory.version_not_found"


def prepare_restore(
    *, organisation: UUID, memory: UUID, restored: int, version: int | None
) -> PreparedRevision:
    """Prepare a new version with what a memory said in an earlier one; its trust state stays. Calls the model.

    Args:
        organisation: the tenant.
        memory: its id.
        restored: the version to bring back; the current one changes nothing.
        version: the version the caller read; None for the current one.

    Raises:
        MemoryNotFound: not in this organisation.
        VersionNotFound: it never had the version.
        VersionMismatch: it has another version.
    """
    with tenant_transaction(organisation):
        present = get_memory(organisation=organisation, memory=memory)
        earlier: Memory | MemoryVersion | None = present
        if restored != present.version:
            earlier = MemoryVersion.objects.filter(
                organisation_id=organisation, memory_id=memory, version=restored
            ).first()
    if earlier is None:
        raise VersionNotFound(loc=("version",))
    changes: dict[str, Any] = {name: getattr(earlier, name) for name in VERSIONED}
    changes["is_object"] = earlier.is_object
    changes["tags"] = tuple(changes["tags"])
    return prepare_revision(organisation=organisation, memory=memory, changes=changes, version=version)
