"""Transactions and cursors: one transaction per intent, with the organisation set inside it.

Row-level security compares every row with the settings `liftos.organisation`, `liftos.scopes` and `liftos.sees_all`. They are
set for the transaction only, so a pooled connection carries nothing over to the next request (docs/decisions/0001).
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections, transaction
from psycopg.abc import Params
from psycopg.rows import TupleRow

from liftos.kernel.db.backend.pipeline import OwnAnswerCursor, corked, is_pipelined, send_all
from liftos.kernel.db.viewers import EVERYBODY, Viewer, current_viewer, seeing_everything
from liftos.kernel.precedence import give_way

_organisation: ContextVar[UUID | None] = ContextVar("liftos_organisation", default=None)
# of the open transaction; `current_viewer` is that of the next one
_seen_by: ContextVar[Viewer] = ContextVar("liftos_seen_by", default=EVERYBODY)

SET_TENANT = (
    "SELECT set_config('liftos.organisation', %s, true), set_config('liftos.scopes', %s, true),"
    " set_config('liftos.sees_all', %s, true)"
)
SET_VIEWER = "SELECT set_config('liftos.scopes', %s, true), set_config('liftos.sees_all', %s, true)"


class OwnerMigrates:
    """Database router: migrations use the `owner` alias only; everything else runs as the application role."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """Return whether migrations may run on this alias."""
        del app_label, hints
        return db == "owner"


def current_organisation() -> UUID | None:
    """Return the organisation of the current transaction, or None."""
    return _organisation.get()


@contextmanager
def tenant_transaction(organisation: UUID) -> Iterator[None]:
    """Open a transaction in which only those of one organisation's rows are visible that the current viewer may see.

    Nested calls for the same organisation are savepoints of the outer transaction; with another viewer, they see what that
    one may see.

    Args:
        organisation: a tenant; from the credential, never from a payload.

    Raises:
        RuntimeError: a transaction for another organisation is already open in this context.
    """
    outer = _organisation.get()
    if outer is not None:
        if outer != organisation:
            raise RuntimeError("a transaction for another organisation is already open")
        with transaction.atomic(), seen_by_current_viewer():
            yield
        return
    viewer = current_viewer()
    with ExitStack() as stack:
        with pipelined():
            stack.enter_context(transaction.atomic())
            raw_cursor().execute(SET_TENANT, [str(organisation), *viewer.settings()])
        token, seen_by = _organisation.set(organisation), _seen_by.set(viewer)
        try:
            yield
        finally:
            # before the commit: on_commit callbacks may open another organisation's transaction
            _organisation.reset(token)
            _seen_by.reset(seen_by)
        if connection.savepoint_ids:
            # inside an outer transaction (a test's), the setting would outlive this block
            raw_cursor().execute(SET_TENANT, ["", "", ""])


@contextmanager
def whole_tenant(organisation: UUID) -> Iterator[None]:
    """Open a `tenant_transaction` that sees all scopes, or have the open one see them for a block.

    For what has to reach all rows whoever asks: the ledger, erasure. Nothing read here may be shown to a caller.

    Args:
        organisation: as for `tenant_transaction`.

    Raises:
        RuntimeError: as for `tenant_transaction`.
    """
    with seeing_everything(), tenant_transaction(organisation):
        yield


@contextmanager
def seeing_everything_here() -> Iterator[None]:
    """Have the open tenant transaction see all scopes, for a write that must reach what its viewer can't see. Sets no savepoint."""
    with seeing_everything(), seen_by_current_viewer():
        yield


@contextmanager
def able_to_write(scopes: Iterable[int]) -> Iterator[None]:
    """Have the open tenant transaction write rows of some scopes, for a block, also those that its viewer can't read.

    A viewer without a scope of its own leaves what it does to rows of several scopes to SYSTEM_SCOPE.
    """
    if all(map(current_viewer().sees, scopes)):
        yield
        return
    with seeing_everything_here():
        yield


@contextmanager
def seen_by_current_viewer() -> Iterator[None]:
    """Have the open transaction see what the current viewer may see, for a block.

    Without a savepoint: an error that leaves the block must also leave the transaction or a savepoint around it.
    """
    outer, viewer = _seen_by.get(), current_viewer()
    if viewer == outer:
        yield
        return
    raw_cursor().execute(SET_VIEWER, viewer.settings())
    token = _seen_by.set(viewer)
    try:
        yield
    finally:
        _seen_by.reset(token)
    # after an error, rolling back to the savepoint restores them
    raw_cursor().execute(SET_VIEWER, outer.settings())


@contextmanager
def tenant_pipeline(organisation: UUID) -> Iterator[None]:
    """Open a `tenant_transaction` whose statements, including BEGIN and COMMIT, are sent without waiting for results.

    Only fetching waits: the statements up to the first `fetch…` take one round trip, those after the last one are sent
    with the COMMIT. See `pipelined` for the rules inside.

    Args:
        organisation: as for `tenant_transaction`.

    Raises:
        RuntimeError: as for `tenant_transaction`.
        psycopg.Error: of a statement without a fetch, raised at a later statement or at the end of the block, there as
            Django's `DatabaseError`. Nothing is committed then, even if it was caught.
    """
    with pipelined(), tenant_transaction(organisation):
        yield


@contextmanager
def pipelined() -> Iterator[None]:
    """Send the statements of a block without waiting for their results (libpq's pipeline mode).

    Inside, `execute` returns at once and `fetch…` sends what is pending: independent statements share one round trip. An
    error is raised at a later statement, at the next fetch or at the end of the block, and Postgres skips the statements
    after it. A statement text can't contain several statements. Django's own cursors still wait for their results. Nested
    blocks are part of the outer one.
    """
    connection.ensure_connection()
    if is_pipelined(connection.connection):
        yield
        return
    with corked(connection.connection):
        yield


def send_now() -> None:
    """Inside `pipelined`: send pending statements now without waiting, so that Postgres starts on them."""
    if is_pipelined(connection.connection):
        send_all(connection.connection)


def raw_cursor() -> psycopg.Cursor[TupleRow]:
    """Return a psycopg cursor with server-side binding on Django's connection, for prepared statements.

    Django's own cursors bind on the client and never prepare statements.
    """
    give_way()
    # looked up once: each attribute access on Django's `connection` proxy is a look-up
    here = connections[DEFAULT_DB_ALIAS]
    if here.connection is None:
        here.ensure_connection()
    return OwnAnswerCursor(here.connection)


def read_value(statement: str, values: Params = ()) -> Any:
    """Return the first column of a statement's first row, None without a row. See `raw_cursor`."""
    row = raw_cursor().execute(statement, values).fetchone()
    return None if row is None else row[0]


def read_column(statement: str, values: Params = ()) -> list[Any]:
    """Return the first column of a statement's rows. See `raw_cursor`."""
    return [row[0] for row in raw_cursor().execute(statement, values).fetchall()]
