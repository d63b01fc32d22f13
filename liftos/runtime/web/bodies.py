"""Reading request bodies on the event loop, whole, before any thread is given to the request.

A caller that sends slowly costs a connection and nothing else: no thread, no transaction. What is larger than a megabyte waits in a file.
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
# what a caller who was refused may still send before the connection is closed
DRAIN_BYTES = 8 * 1024 * 1024
DRAIN_SECONDS = 2.0


class Disconnected(Exception):
    """The caller closed the connection before the body's end."""


class SlowBody(LiftosError):
    """The request body did not arrive in time."""

    code = "liftos.request_timeout"
    status = 408


class NoRoom(LiftosError):
    """Too much is being uploaded just now; try again."""

    code = "liftos.too_busy"
    status = 503


@dataclass(slots=True)
class Room:
    """How much all bodies being read may take together.

    Attributes:
        most: bytes, in memory and in files.
        taken: of them.
    """

    most: int
    taken: int = 0


class Body:
    """The body of one request. Close it when the request is answered.

    Args:
        receive: ASGI's.
        room: shared by all bodies of the process.
        directory: where large ones wait; None for the system's.
        seconds: the grace before `LEAST_BYTES_A_SECOND` is asked for.
    """

    def __init__(self, receive: Receive, *, room: Room, directory: str | None, seconds: float) -> None:
        """Read nothing yet."""
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
            SlowBody: it takes longer than the grace and the least rate allow.
            NoRoom: the bodies of all requests take too much.
            Disconnected: the caller has gone.
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
        """Take what a refused caller still sends, within bounds: closed with bytes unread, a socket loses the answer too."""
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
        """Return the body at its beginning."""
        self.file.seek(0)
        return self.file

    def close(self) -> None:
        """Give back what it took."""
        self._room.taken -= self.length
        self.length = 0
        self.file.close()
