"""A worker's part of the metrics: the series of its tasks from the start, and `/metrics` on a port of its own."""

import hmac
import logging
import os
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app
from prometheus_client.multiprocess import MultiProcessCollector

from liftos.kernel.telemetry.metrics.prometheus import prometheus_operation

logger = logging.getLogger("liftos.metrics")


def announce_tasks(names: Iterable[str]) -> None:
    """Have every task's counts at zero: a rule about a sequencer that never runs needs a series to look at."""
    for name in names:
        if not name.startswith("celery."):
            prometheus_operation(name)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    timeout = 10  # who sends nothing holds a thread no longer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Log nothing: every scrape would be a line."""


def serve_metrics(address: str, port: int, token: str = "") -> Callable[[], None]:
    """Answer `GET /metrics` on a port, to whoever has the operator's token where one is set; return what ends that.

    A port that is taken is logged: tasks matter more than figures.
    """
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # registers itself
    export = make_wsgi_app(registry)
    wanted = f"Bearer {token}".encode()

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        given = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1")
        if token and not hmac.compare_digest(given, wanted):
            start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer")])
            return []
        found: Iterable[bytes] = export(environ, start_response)
        return found

    try:
        server = make_server(address, port, answer, _Server, _Silent)
    except OSError:
        logger.exception("the worker's metrics can't be served", extra={"address": address, "port": port})
        return _nothing
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)

    return stop


def _nothing() -> None:
    """There is nothing to end."""
