"""The database of a benchmark: an organisation in a scratch database, statements as its owner, pages of its admin."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from liftos.kernel.db.scratch import scratch_database
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM


@contextmanager
def scratch_organisation() -> Iterator[UUID]:
    """Create an organisation in a scratch database for the duration of a block."""
    with scratch_database("bench"):
        yield create_organisation(name="Bench", by=SYSTEM).id


def as_owner(statement: str, values: Any = None) -> Any:
    """Execute a statement as the database's owner; return the first column of its first row, None without one."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def admin_pages() -> Callable[[str], None]:
    """Return a function that opens a page below /admin/ as a superuser, and raises RuntimeError if it does not open."""
    client = Client()
    client.force_login(User.objects.create_user("bench", is_staff=True, is_superuser=True))

    def show(path: str) -> None:
        if client.get(f"/admin/{path}").status_code != 200:
            raise RuntimeError(f"/admin/{path} did not open")

    return show
