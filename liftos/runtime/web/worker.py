"""Gunicorn's ASGI worker, with deadlines for slow callers and a limit on connections per address.

Gunicorn waits forever for the rest of a header, and its error responses quote the exception in plain text instead of JSON
with a correlation id. Both are small overrides of `ASGIProtocol` (gunicorn 27), tested against a running server in
tests/integration/runtime/web.
"""

import asyncio
import ipaddress
from collections import Counter
from typing import Any
from weakref import WeakSet

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from liftos.runtime.web.refusals import as_bytes

LINGER_SECONDS = 10.0
"""How long a closed connection may take to send what is left."""


class Protocol(ASGIProtocol):
    """One connection."""

    _header_timer: asyncio.TimerHandle | None = None
    _address: str | None = None

    def connection_made(self, transport: Any) -> None:
        """Accept a connection, or refuse it if its address has too many; until the first byte it is idle."""
        super().connection_made(transport)
        self.worker.protocols.add(self)
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and not self.worker.limits.is_exempt(peer[0]):
            self._address = peer[0]
            if self.worker.limits.enter(peer[0]):
                self._refuse(429)
                return
        self._arm_keepalive_timer()

    def data_received(self, data: bytes) -> None:
        """Receive bytes; the first ones of a request start its header's deadline."""
        if self._current_request is None and self._header_timer is None:
            self._cancel_keepalive_timer()
            self._header_timer = self.worker.loop.call_later(
                self.worker.limits.header_seconds, self._too_slow
            )
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Uncount the connection."""
        if not self._conn_lost_handled:
            self._stop_header_timer()
            if self._address is not None:
                self.worker.limits.leave(self._address)
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        """True if no request is being read or answered."""
        return self._current_request is None and self._header_timer is None

    def close(self) -> None:
        """Close the connection and end the task that reads from it."""
        self._close_transport()
        if self._request_ready is not None:
            self._request_ready.set()

    def _close_transport(self) -> None:
        """Close the connection; one whose peer does not read what is left is cut after a while."""
        transport = self.transport
        super()._close_transport()
        if transport is not None and transport.get_write_buffer_size():
            self.worker.loop.call_later(LINGER_SECONDS, transport.abort)

    def _on_headers_complete(self) -> bool:
        self._stop_header_timer()
        return super()._on_headers_complete()

    def _stop_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _too_slow(self) -> None:
        self._header_timer = None
        self._refuse(408)

    def _refuse(self, status: int) -> None:
        self._safe_write(as_bytes(status))
        self.close()

    def _send_error_response(self, status: int, message: str, extra_headers: Any = ()) -> None:
        del message, extra_headers
        self._safe_write(as_bytes(status))


class AddressLimits:
    """Counts connections by the socket's peer, on one event loop.

    Args:
        most: maximum per address; 0 for no limit.
        exempt: networks of trusted proxies.
        header_seconds: maximum time from a header's first byte to its last.
    """

    def __init__(self, *, most: int, exempt: Any, header_seconds: float) -> None:
        """Start without connections."""
        self.header_seconds = header_seconds
        self._most = most
        self._exempt = tuple(exempt)
        self._open: Counter[str] = Counter()

    def is_exempt(self, address: str) -> bool:
        """Return whether an address has no limit."""
        if not self._most:
            return True
        if not self._exempt:
            return False
        try:
            peer: Any = ipaddress.ip_address(address)
        except ValueError:
            return False
        peer = getattr(peer, "ipv4_mapped", None) or peer
        return any(peer in network for network in self._exempt)

    def enter(self, address: str) -> bool:
        """Count a connection; return whether it exceeds the limit."""
        self._open[address] += 1
        return self._open[address] > self._most

    def leave(self, address: str) -> None:
        """Uncount a connection."""
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]


class Worker(gasgi.ASGIWorker):
    """The web process: an event loop for connections; `liftos.runtime.web.bridge` has threads for requests."""

    def load_wsgi(self) -> None:
        """Load the application and the connection limits."""
        super().load_wsgi()
        # cache the result on the base class, where gunicorn looks for it
        ASGIProtocol._check_h1c_protocol_available()
        # the settings are available once the application is loaded
        from django.conf import settings

        self.protocols: WeakSet[Protocol] = WeakSet()
        self.limits = AddressLimits(
            most=settings.LIFTOS_CONNECTIONS_PER_ADDRESS,
            exempt=settings.LIFTOS_TRUSTED_PROXIES,
            header_seconds=settings.LIFTOS_HEADER_SECONDS,
        )

    async def _serve(self) -> None:
        # gunicorn looks its protocol class up under this name
        gasgi.ASGIProtocol = Protocol
        await super()._serve()

    async def _shutdown(self) -> None:
        # available once the application is loaded
        from liftos.kernel.outbox.stream.feed import FEED

        FEED.close()
        # otherwise a browser's idle connection would delay the shutdown for all of graceful_timeout
        for server in self.servers:
            server.close()
        for protocol in list(self.protocols):
            if protocol.is_idle:
                protocol.close()
        await super()._shutdown()
