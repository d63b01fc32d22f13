"""Postgres and Redis for machines without them, and the supervisor behind `make up`.

Settings import this package, so it must not import Django.
"""

from liftos.runtime.embedded.children import ChildSpec
from liftos.runtime.embedded.errors import EmbeddedError
from liftos.runtime.embedded.files import secret_key
from liftos.runtime.embedded.paths import Urls, home, socket_directory, urls
from liftos.runtime.embedded.runtime import Lease, ensure_running, hold
from liftos.runtime.embedded.supervisor import Supervisor
from liftos.runtime.embedded.up import supervise

__all__ = [
    "ChildSpec",
    "EmbeddedError",
    "Lease",
    "Supervisor",
    "Urls",
    "ensure_running",
    "hold",
    "home",
    "secret_key",
    "socket_directory",
    "supervise",
    "urls",
]
