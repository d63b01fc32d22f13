"""Errors of legal holds."""

from uuid import UUID

from liftos.kernel.errors import Conflict, NotFound


class HoldNotFound(NotFound):
    """There is no such legal hold."""

    code = "memory.hold_not_found"


class HoldExists(Conflict):
    """A legal hold with this name already exists."""

    code = "memory.hold_exists"


class LegallyHeld(Conflict):
    """A legal hold forbids this."""

    code = "memory.legally_held"

    def __init__(self, hold: UUID, name: str, memories: int) -> None:
        """Name the hold."""
        self.hold, self.name = hold, name
        held = "a memory" if memories == 1 else f"{memories} memories"
        super().__init__(f"The legal hold {name!r} is on {held} of these; nothing was erased.")

    @property
    def extensions(self) -> dict[str, str]:
        """Return further members of the problem details."""
        return {"hold_id": str(self.hold), "hold": self.name}
