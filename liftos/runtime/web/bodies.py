"""Request bodies, read completely on the event loop before the request gets a thread.

A slow sender occupies a connection but no thread or transaction. Bodies over a megabyte are spooled to a file.
"""

from asyncio import get_running_loop, timeout, timeout_at
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from liftos.kernel.errors import LiftosError

Receive = Callable[[], Awaitable[dict[str, Any]]]

IN_MEMORY = 1024 * 1024
# after the grace, slower callers are cut off
LEAST_BYTES_A_SECOND = 16 * 1024
# limits of what is still read from a refused caller before the connection is closed
DRAIN_BYTES = 8 * 1024 * 1024
DRAIN_SECONDS = 2.0


class Disconnected(Exception):
    """The caller closed the connection before the end of the body."""


class SlowBody(LiftosError):
    """The request body did not arrive in time."""

    code = "liftos.request_timeout"
    status = 408


class NoRoom(LiftosError):
    """Too much data is being uploaded; try again."""

    code = "liftos.too_busy"
    status = 503


@dataclass(slots=True)
class Room:
    """Space shared by all request bodies.

    Attributes:
        most: limit in bytes, in memory and in files.
        taken: bytes in use.
    """

    most: int
    taken: int = 0


class Body:
    """The body of one request. Close it when the request is answered.

    Args:
        receive: ASGI's.
        room: shared by all bodies of the process.
        directory: for spooled bodies; None for the system's.
        seconds: grace period before `LEAST_BYTES_A_SECOND` is required.
    """

    def __init__(self, receive: Receive, *, room: Room, directory: str | None, seconds: float) -> None:
        """Create an unread body."""
        self._receive = receive
        self._room = room
        self._seconds = seconds
        self.file: IO[bytes] = cast(
            "IO[bytes]",
            SpooledTemporaryFile(max_size=IN_MEMORY, dir=directory),  # noqa: SIM115  closed by `close`
        )
        self.length = 0
        self.complete = False

    async def read(self, limit: int) -> None:
        """Read to the end, or just past the limit.

        Raises:
            SlowBody: the sender is too slow.
            NoRoom: all bodies together exceed the space.
            Disconnected: the caller has disconnected.
        """
        start = get_running_loop().time()
        try:
            async with timeout_at(start + self._seconds) as clock:
                while not self.complete and self.length <= limit:
                    self._keep(await self._receive())
                    clock.reschedule(start + self._seconds + self.length / LEAST_BYTES_A_SECOND)
        except TimeoutError:
            raise SlowBody from None

    def _keep(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.disconnect":
            raise Disconnected
        chunk = message.get("body", b"")
        if chunk:
            if self._room.taken + len(chunk) > self._room.most:
                raise NoRoom
            self._room.taken += len(chunk)
            self.length += len(chunk)
            self.file.write(chunk)
        self.complete = not message.get("more_body", False)

    async def drain(self) -> None:
        """Read and discard what a refused caller still sends: closing a socket with unread bytes would lose the answer."""
        taken = 0
        try:
            async with timeout(DRAIN_SECONDS):
                while not self.complete and taken < DRAIN_BYTES:
                    message = await self._receive()
                    if message["type"] == "http.disconnect":
                        return
                    taken += len(message.get("body", b""))
                    self.complete = not message.get("more_body", False)
        except TimeoutError:
            return

    def rewind(self) -> IO[bytes]:
        """Return the body's file, positioned at the start."""
        self.file.seek(0)
        return self.file

    def close(self) -> None:
        """Release the body's space."""
        self._room.taken -= self.length
        self.length = 0
        self.file.close()
