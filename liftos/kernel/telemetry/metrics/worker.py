"""Metrics of a Celery worker: its tasks' series, and a `/metrics` server on its own port."""

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
    """Create every task's series at zero: an alert rule about a task that never runs needs a series."""
    for name in names:
        if not name.startswith("celery."):
            prometheus_operation(name)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    timeout = 10  # an idle client must not hold a thread

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
        """Do nothing: every scrape would log a line."""


def serve_metrics(address: str, port: int, token: str = "") -> Callable[[], None]:
    """Serve `GET /metrics`, protected by the operator's token if set; return a function that stops the server.

    If the port can't be opened, log the error and go on: tasks matter more than metrics.
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
    """Do nothing."""
