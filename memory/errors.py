"""Errors of stores and changes."""

from typing import Any
from uuid import UUID

from liftos.kernel.errors import Conflict, InvalidInput, PermissionDenied


class ExternalIdTaken(Conflict):
    """Another memory has this external id."""

    code = "memory.external_id_taken"

    def __init__(self, memory: UUID) -> None:
        """Name the other memory."""
        self.memory = memory
        super().__init__(f"Memory {memory} has this external id.", loc=("external_id",))

    @property
    def extensions(self) -> dict[str, str]:
        """Return further members of the problem details."""
        return {"memory_id": str(self.memory)}


class UnknownSource(InvalidInput):
    """A memory that this one is derived from does not exist."""

    code = "memory.unknown_source"


class NotVisible(InvalidInput):
    """`visible_to` must name existing groups or a principal, and include the caller."""

    code = "memory.not_visible"


class MemoryErased(Conflict):
    """A memory with this id was erased and can't be stored again."""

    code = "memory.erased"


class IdTaken(Conflict):
    """This id can't be used here."""

    code = "memory.id_taken"


class NoLongerAllowed(PermissionDenied):
    """The credential that sent this may no longer store memories."""

    code = "memory.no_longer_allowed"


class JobEnded(Conflict):
    """The job has ended: it is done, failed or cancelled."""

    code = "memory.job_ended"


class NotYourJob(PermissionDenied):
    """Another caller sent this job; cancelling it requires the scope memory:write."""

    code = "memory.not_your_job"


class SecretRefused(InvalidInput):
    """The organisation does not store secrets."""

    code = "memory.secret_refused"
    # the decision that records the refusal is kept although the request fails
    keeps_record = True

    def __init__(self, message: str, *, loc: tuple[str | int, ...], found: list[dict[str, Any]]) -> None:
        """Name fields and kinds, never a secret."""
        self.found = found
        super().__init__(message, loc=loc)

    @property
    def extensions(self) -> dict[str, Any]:
        """Return further members of the problem details."""
        return {"secrets": self.found}
