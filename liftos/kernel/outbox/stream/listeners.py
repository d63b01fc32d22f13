"""One reader of the stream: its place, its rights, and what waits to be sent to it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from uuid import UUID

from django.conf import settings

from liftos.kernel.outbox.catalogue import is_wanted, required_scope
from liftos.kernel.outbox.stream.wire import END, HEARTBEAT, OPENING, at
from liftos.kernel.outbox.types import Event
from liftos.kernel.tenancy.types import Principal


class Listener:
    """A reader. The feed's thread gives it one batch at a time; the event loop sends it, then asks for more.

    Args:
        principal: who reads.
        renew: returns who reads now, or raises if the credential is no longer valid; called in the feed's thread.
        types: patterns of the types it wants; all if empty.
        position: the sequence number after which it reads on.
        known: whether the client knows this number.
        more: called when the next batch may come.
    """

    def __init__(
        self,
        *,
        principal: Principal,
        renew: Callable[[], Principal],
        types: Sequence[str],
        position: int,
        known: bool,
        more: Callable[[], None],
    ) -> None:
        self.principal, self.renew, self.position = principal, renew, position
        self.key = (principal.organisation, principal.actor.kind, principal.actor.id)
        self.renewed_at = 0.0
        self._types, self._more = tuple(types), more
        # what the client may resume after, and what it knows
        self._sent, self._told = position, position if known else None
        self._busy = self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._batches: asyncio.Queue[tuple[list[bytes], int] | None] = asyncio.Queue()

    @property
    def organisation(self) -> UUID:
        """The tenant."""
        return self.principal.organisation

    @property
    def is_ready(self) -> bool:
        """True if a batch can be given."""
        return self._loop is not None and not self._busy and not self._ended

    def wants(self, event: Event) -> bool:
        """Return whether an event that the reader's principal sees is to be sent."""
        if self._types and not is_wanted(event.type, self._types):
            return False
        return self.principal.may(required_scope(event.type))

    def advance(self, position: int, chunks: list[bytes]) -> None:
        """Move on to a sequence number, and have what lies before it sent; in the feed's thread, while the listener is ready."""
        self.position = position
        if chunks:
            self._busy = True
            self._put((chunks, position))
        else:
            self._sent = position

    def end(self) -> None:
        """End the stream after what is being sent; from any thread."""
        self._ended = True
        self._put(None)

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield the stream's bytes until it ends, with a comment whenever nothing else was sent for a while."""
        self._loop = asyncio.get_running_loop()
        self._more()
        yield OPENING + self._news()
        while not self._ended:
            try:
                async with asyncio.timeout(settings.LIFTOS_STREAM_HEARTBEAT_SECONDS):
                    batch = await self._batches.get()
            except TimeoutError:
                yield HEARTBEAT + (self._news() or END)
                continue
            if batch is None:
                return
            for chunk in batch[0]:
                yield chunk
            self._sent = self._told = batch[1]
            self._busy = False
            self._more()

    def _news(self) -> bytes:
        """Return the end of a message that tells the client how far it has read, if it does not know."""
        if self._told == self._sent:
            return b""
        self._told = self._sent
        return at(self._sent) + END

    def _put(self, batch: tuple[list[bytes], int] | None) -> None:
        if self._loop is not None:
            # a shutdown may have closed the loop
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._batches.put_nowait, batch)
