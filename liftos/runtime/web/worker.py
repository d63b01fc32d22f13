"""Gunicorn's ASGI worker, with deadlines for slow callers and a bound on connections from one address.

Gunicorn itself waits for ever for the rest of a header. Its refusals quote the exception in plain text; callers of an API want JSON, a correlation
id, and no inner text. Both are small overrides of `ASGIProtocol` (gunicorn 27); tests/integration/serving holds them against a running server.
"""

import asyncio
import ipaddress
from collections import Counter
from typing import Any
from weakref import WeakSet

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from liftos.runtime.web.refusals import as_bytes


class Protocol(ASGIProtocol):
    """One connection."""

    _header_timer: asyncio.TimerHandle | None = None
    _address: str | None = None

    def connection_made(self, transport: Any) -> None:
        """Take a connection, or refuse it when its address has too many; silence before the first byte is idleness."""
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
        """Take bytes; the first ones of a request start the clock of its header."""
        if self._current_request is None and self._header_timer is None:
            self._cancel_keepalive_timer()
            self._header_timer = self.worker.loop.call_later(
                self.worker.limits.header_seconds, self._too_slow
            )
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        if not self._conn_lost_handled:
            self._stop_header_timer()
            if self._address is not None:
                self.worker.limits.leave(self._address)
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        """Whether no request is being read or answered on it."""
        return self._current_request is None and self._header_timer is None

    def close(self) -> None:
        """Close the connection, and let the task that reads from it end."""
        self._close_transport()
        if self._request_ready is not None:
            self._request_ready.set()

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
    """Counts connections by the socket's peer; safe only on one event loop.

    Args:
        most: connections from one address; 0 for no bound.
        exempt: networks of trusted proxies, behind which are many callers.
        header_seconds: from the first byte of a header to its last.
    """

    def __init__(self, *, most: int, exempt: Any, header_seconds: float) -> None:
        """Count from nothing."""
        self.header_seconds = header_seconds
        self._most = most
        self._exempt = tuple(exempt)
        self._open: Counter[str] = Counter()

    def is_exempt(self, address: str) -> bool:
        """Return whether an address may have any number of connections."""
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
        """Count a connection in; return whether it is one too many."""
        self._open[address] += 1
        return self._open[address] > self._most

    def leave(self, address: str) -> None:
        """Count it out."""
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]


class Worker(gasgi.ASGIWorker):
    """The web process: an event loop for connections; `liftos.runtime.web.bridge` has the threads for the work."""

    def load_wsgi(self) -> None:
        """Load the application, and with it the settings that the connections go by."""
        super().load_wsgi()
        # what it finds is kept on the class that is asked, and looked for on this one
        ASGIProtocol._check_h1c_protocol_available()
        # the settings are there once the application is
        from django.conf import settings

        self.protocols: WeakSet[Protocol] = WeakSet()
        self.limits = AddressLimits(
            most=settings.LIFTOS_CONNECTIONS_PER_ADDRESS,
            exempt=settings.LIFTOS_TRUSTED_PROXIES,
            header_seconds=settings.LIFTOS_HEADER_SECONDS,
        )

    async def _serve(self) -> None:
        # gunicorn makes its connections by this name of its module
        gasgi.ASGIProtocol = Protocol
        await super()._serve()

    async def _shutdown(self) -> None:
        # a browser's idle connection would otherwise hold up the end for the whole of graceful_timeout
        for server in self.servers:
            server.close()
        for protocol in list(self.protocols):
            if protocol.is_idle:
                protocol.close()
        await super()._shutdown()
