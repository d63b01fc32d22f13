"""The database backend. See `liftos.kernel.db.backend`."""

from contextlib import suppress
from select import POLLIN, poll
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from django.db.backends.utils import debug_transaction

from liftos.kernel.db.backend.pipeline import is_pipelined, settle
from liftos.kernel.precedence import give_way


class PatientCursor(base.Cursor):
    """Django's cursor, which waits for results even in a pipeline: the ORM reads row counts at once."""

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Execute and wait for the result; give way to small requests first."""
        give_way()
        result = super().execute(*args, **kwargs)
        settle(self.connection)
        return result

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        """Execute and wait for the results; give way to small requests first."""
        give_way()
        super().executemany(*args, **kwargs)
        settle(self.connection)


class DatabaseWrapper(base.DatabaseWrapper):
    """Checks pooled connections cheaply, and sends BEGIN and COMMIT in the same round trips as the statements.

    The pool's own check (CONN_HEALTH_CHECKS) discards dead connections one by one, sleeping a second or more in between,
    so after a restart of Postgres requests would time out. Here the first dead connection empties the pool.

    psycopg starts transactions itself and waits for BEGIN before sending the first statement, even in pipeline mode. So
    `atomic` starts them here, and psycopg stays in autocommit mode.
    """

    def get_connection_params(self) -> dict[str, Any]:
        """Return psycopg's arguments."""
        params = super().get_connection_params()
        if params["cursor_factory"] is base.Cursor:
            params["cursor_factory"] = PatientCursor
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a live connection; only one with unread data costs a round trip to check."""
        connection = super().get_new_connection(conn_params)
        if not self.pool or not _has_unread_data(connection):
            return connection
        try:
            connection.execute("")
        except psycopg.OperationalError:
            self.pool.drain()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        """Begin a transaction; Django calls this method, if present, instead of disabling autocommit."""
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            psycopg.Cursor(self.connection).execute("BEGIN")

    def _set_autocommit(self, autocommit: bool) -> None:
        # in a pipeline, psycopg does not know that the transaction has ended and rejects even an unchanged value
        if self.connection.autocommit != autocommit:
            super()._set_autocommit(autocommit)

    def _commit(self) -> None:
        if self.connection is None or not is_pipelined(self.connection):
            super()._commit()
            return
        with debug_transaction(self, "COMMIT"), self.wrap_database_errors:
            committed = psycopg.Cursor(self.connection).execute("COMMIT")
            # raises the error of a failed statement, after which Postgres has skipped the COMMIT
            settle(self.connection)
            if committed.statusmessage != "COMMIT":
                raise psycopg.errors.InFailedSqlTransaction("a statement failed: nothing was committed")

    def _rollback(self) -> None:
        self._settle()
        super()._rollback()

    def _savepoint_commit(self, sid: str) -> None:
        # errors since the savepoint must be raised while it can still be rolled back
        with self.wrap_database_errors:
            settle(self.connection)
        super()._savepoint_commit(sid)

    def _savepoint_rollback(self, sid: str) -> None:
        self._settle()
        super()._savepoint_rollback(sid)

    def _close(self) -> None:
        if self.connection is not None and is_pipelined(self.connection):
            # Django closes a connection it could not roll back; the pool must not reuse it
            self.connection.close()
        super()._close()

    def _settle(self) -> None:
        """Read outstanding results: after an error among them, the pipeline rejects further statements."""
        if self.connection is not None:
            with suppress(psycopg.Error):
                settle(self.connection)


def _has_unread_data(connection: psycopg.Connection[Any]) -> bool:
    """Return whether an idle connection is readable: it was closed, or Postgres announces that it will be."""
    waiting = poll()
    waiting.register(connection.fileno(), POLLIN)
    return bool(waiting.poll(0))
