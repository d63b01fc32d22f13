"""How code reaches Postgres: one transaction per intent, the organisation set inside it.

Row-level security compares every row with the setting `liftos.organisation`. It is set with SET LOCAL, so it
ends with the transaction and a pooled connection carries nothing to the next request (docs/decisions/0001).
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from psycopg.rows import TupleRow

from liftos.kernel.db.backend.pipeline import OwnAnswerCursor, corked, is_pipelined, send_all
from liftos.kernel.precedence import give_way

_organisation: ContextVar[UUID | None] = ContextVar("liftos_organisation", default=None)

SET_ORGANISATION = "SELECT set_config('liftos.organisation', %s, true)"


class OwnerMigrates:
    """Database router: tables are made through the `owner` alias only; rows are read and written as the application."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """Return whether migrations of any app may run on this alias."""
        del app_label, hints
        return db == "owner"


def current_organisation() -> UUID | None:
    """Return the organisation whose transaction this is, or None outside of one."""
    return _organisation.get()


@contextmanager
def tenant_transaction(organisation: UUID) -> Iterator[None]:
    """Open a transaction in which exactly one organisation's rows exist.

    Nested calls for the same organisation are savepoints of the outer transaction.

    Args:
        organisation: whose rows; from the credential, never from a payload.

    Raises:
        RuntimeError: a transaction for another organisation is already open in this context.
    """
    outer = _organisation.get()
    if outer is not None:
        if outer != organisation:
            raise RuntimeError("a transaction for another organisation is already open")
        with transaction.atomic():
            yield
        return
    with ExitStack() as stack:
        with pipelined():
            stack.enter_context(transaction.atomic())
            raw_cursor().execute(SET_ORGANISATION, [str(organisation)])
        token = _organisation.set(organisation)
        try:
            yield
        finally:
            # before the commit: what waits for it may begin a transaction of its own
            _organisation.reset(token)
        if connection.savepoint_ids:
            # inside somebody's larger transaction (a test's): SET LOCAL would outlive this block
            raw_cursor().execute(SET_ORGANISATION, [""])


@contextmanager
def tenant_pipeline(organisation: UUID) -> Iterator[None]:
    """Open a `tenant_transaction` whose statements, BEGIN and COMMIT included, are sent without waiting for answers.

    Only what is fetched is waited for: the statements up to the first `fetch…` are one round trip, those after the last
    one travel with the COMMIT. See `pipelined` for what holds inside.

    Args:
        organisation: as for `tenant_transaction`.

    Raises:
        RuntimeError: as for `tenant_transaction`.
        psycopg.Error: of a statement that nobody fetched from, at one of those after it or at the end of the block, where
            it is Django's `DatabaseError`. Nothing is committed then, also if it was caught.
    """
    with pipelined(), tenant_transaction(organisation):
        yield


@contextmanager
def pipelined() -> Iterator[None]:
    """Send the statements of a block without waiting for one another's answers (libpq's pipeline mode).

    Inside, `execute` returns at once and the first `fetch…` waits for all that was sent: what does not depend on each
    other costs one round trip together. An error comes up at a later statement, at the next fetch or at the end of the block,
    and Postgres skips what follows it. Several statements in one text are not possible. Django's own cursors wait for their
    answers here too. A block within another is part of it.
    """
    connection.ensure_connection()
    if is_pipelined(connection.connection):
        yield
        return
    with corked(connection.connection):
        yield


def send_now() -> None:
    """Inside `pipelined`: send what waits without waiting for its answer, so that Postgres is at work from now on."""
    if is_pipelined(connection.connection):
        send_all(connection.connection)


def raw_cursor() -> psycopg.Cursor[TupleRow]:
    """Return a psycopg cursor with server-side binding on Django's connection.

    Django's own cursors bind on the client, so nothing is ever prepared; the hot statements want to be.
    """
    give_way()
    # looked up once: each attribute of Django's `connection` is a look-up of its own
    here = connections[DEFAULT_DB_ALIAS]
    if here.connection is None:
        here.ensure_connection()
    return OwnAnswerCursor(here.connection)
