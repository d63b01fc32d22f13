"""Gunicorn's settings, for `make up` and the container."""

import os
import resource
import sys
import threading
from pathlib import Path
from typing import Any

from liftos.runtime.environment import InvalidEnvironment, read_environment

# requests fail before gunicorn considers the worker hung; commands and Celery workers have no limit
os.environ.setdefault("LIFTOS_STATEMENT_SECONDS", "30")

try:
    _environment = read_environment()
except InvalidEnvironment as error:
    sys.exit(f"error: {error}")
_host = _environment.LIFTOS_BIND

# connections, pooled Postgres connections and spooled bodies all need descriptors
_soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(
    resource.RLIMIT_NOFILE, (_hard if _hard != resource.RLIM_INFINITY else max(_soft, 65_536), _hard)
)

bind = f"[{_host}]:{_environment.LIFTOS_PORT}" if ":" in _host else f"{_host}:{_environment.LIFTOS_PORT}"
worker_class = "liftos.runtime.web.worker.Worker"
workers = _environment.LIFTOS_WEB_WORKERS
# the application has its own threads (liftos.runtime.web.bridge)
threads = 1
# we limit connections per address instead (LIFTOS_CONNECTIONS_PER_ADDRESS)
worker_connections = 10_000
asgi_loop = "uvloop"
http_parser = "fast"
# notify the application of disconnects at once
asgi_disconnect_grace_period = 0

# Workers share the pages of the loaded code, and an error in it fails the start instead of looping.
# What must not be shared (connection pools, model sessions) is created on first use, after the fork.
preload_app = True

timeout = 60
graceful_timeout = 10
keepalive = 75  # longer than a load balancer's usual 60, so that we never close first
accesslog = None  # requests are logged once, with their correlation id, by the application
loglevel = "warning"

# A heartbeat on a busy disk can block long enough to get a healthy worker killed.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# its default path is the same for all instances of a user
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Load the model in the background and start writing figures."""
    # imported here, because this file is read before the application is loaded
    from django.conf import settings

    from liftos.kernel.telemetry.metrics.minutes import start_minutes
    from liftos.runtime.health.alerts import raised
    from liftos.runtime.health.warm import settle_memory, warm_up

    def prepare() -> None:
        warm_up()
        settle_memory()

    if settings.LIFTOS_METRICS_SECONDS > 0:
        start_minutes(settings.LIFTOS_METRICS_SECONDS, then=raised)

    # Short requests wait this long for the interpreter lock behind a computing thread, each time they return from Postgres.
    sys.setswitchinterval(0.0005)
    threading.Thread(target=prepare, name="warm-up", daemon=True).start()


def worker_exit(server: Any, worker: Any) -> None:
    """Write the last minute's figures."""
    from liftos.kernel.telemetry.metrics.minutes import stop_minutes

    stop_minutes()


def child_exit(server: Any, worker: Any) -> None:
    """Remove a dead process's gauges from /metrics; its counters stay."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)
