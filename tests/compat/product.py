"""A product of its own, configured like the old platform: behind a trusted gateway."""

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.service import Service

OLD_PORT = 8003


@contextmanager
def product(*, on_old_port: bool = False) -> Iterator[tuple[str, str]]:
    """Run a product for a block; yield its address and its default organisation's slug.

    Args:
        on_old_port: listen on the original's port if it is free; some programs have it hard-coded.
    """
    home = Path(tempfile.mkdtemp(prefix="liftos-compat-"))
    named = {
        name: os.environ.pop(name, None)
        for name in ("DATABASE_URL", "REDIS_URL", "LIFTOS_OWNER_DATABASE_URL")
    }
    service = None
    try:
        service = Service(
            home,
            LIFTOS_TRUSTED_PROXIES="127.0.0.0/8,::1/128",
            LIFTOS_TRUSTED_CREATE="1",
            LIFTOS_TRUSTED_DEFAULT_ORG="compat-default",
        )
        service.manage("create_organisation", "compat-default", "--json")
        if on_old_port and is_free(OLD_PORT):
            service.port = OLD_PORT
            service.environment["LIFTOS_PORT"] = str(OLD_PORT)
        service.start_web()
        service.start_worker()
        yield f"http://127.0.0.1:{service.port}", "compat-default"
    finally:
        if service is not None:
            service.close()
        os.environ.update({name: value for name, value in named.items() if value is not None})
        shutil.rmtree(home, ignore_errors=True)


def is_free(port: int) -> bool:
    """Return whether a port of this machine is free."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
