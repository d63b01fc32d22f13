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
    """Django's cursor, which in a pipeline waits all the same: the ORM reads row counts that would not be there yet."""

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        """Execute, and wait for the answer; small requests go first."""
        give_way()
        result = super().execute(*args, **kwargs)
        settle(self.connection)
        return result

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        """Execute, and wait for the answers; small requests go first."""
        give_way()
        super().executemany(*args, **kwargs)
        settle(self.connection)


class DatabaseWrapper(base.DatabaseWrapper):
    """Hands out pooled connections that are alive, and lets BEGIN and COMMIT travel with the statements between them.

    The pool's own check (CONN_HEALTH_CHECKS) throws dead connections away one by one and sleeps a second and more in
    between, so after a restart of Postgres a pool of a few would outlast its own timeout and requests would fail. One
    dead connection means that all are: here the first empties the pool.

    psycopg begins a transaction by itself, and waits for BEGIN to be answered before it sends the first statement, in
    pipeline mode too. So `atomic` begins it here, and psycopg stays in its autocommit mode throughout.
    """

    def get_connection_params(self) -> dict[str, Any]:
        """Return psycopg's arguments."""
        params = super().get_connection_params()
        if params["cursor_factory"] is base.Cursor:
            params["cursor_factory"] = PatientCursor
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that lives; only one on which something waits to be read is asked, in a round trip."""
        connection = super().get_new_connection(conn_params)
        if not self.pool or not _has_something_to_say(connection):
            return connection
        try:
            connection.execute("")
        except psycopg.OperationalError:
            self.pool.drain()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection

    def _start_transaction_under_autocommit(self) -> None:
        """Begin a transaction; Django calls it instead of switching autocommit off, because it exists."""
        with debug_transaction(self, "BEGIN"), self.wrap_database_errors:
            psycopg.Cursor(self.connection).execute("BEGIN")

    def _set_autocommit(self, autocommit: bool) -> None:
        # psycopg refuses even to set what is set already, where a pipeline hides that the transaction has ended
        if self.connection.autocommit != autocommit:
            super()._set_autocommit(autocommit)

    def _commit(self) -> None:
        if self.connection is None or not is_pipelined(self.connection):
            super()._commit()
            return
        with debug_transaction(self, "COMMIT"), self.wrap_database_errors:
            committed = psycopg.Cursor(self.connection).execute("COMMIT")
            # what failed on the way comes up here; Postgres has then skipped the COMMIT
            settle(self.connection)
            if committed.statusmessage != "COMMIT":
                raise psycopg.errors.InFailedSqlTransaction("a statement had failed: nothing was committed")

    def _rollback(self) -> None:
        self._settle()
        super()._rollback()

    def _savepoint_commit(self, sid: str) -> None:
        # what failed since the savepoint must come up while it can still be rolled back to
        with self.wrap_database_errors:
            settle(self.connection)
        super()._savepoint_commit(sid)

    def _savepoint_rollback(self, sid: str) -> None:
        self._settle()
        super()._savepoint_rollback(sid)

    def _close(self) -> None:
        if self.connection is not None and is_pipelined(self.connection):
            # Django closes what it could not roll back: the pool must not hand it to the next
            self.connection.close()
        super()._close()

    def _settle(self) -> None:
        """Take the answers nobody waited for: an error among them has made the pipeline refuse what follows."""
        if self.connection is not None:
            with suppress(psycopg.Error):
                settle(self.connection)


def _has_something_to_say(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether an idle connection can be read: then it was closed, or Postgres says why it is about to be."""
    waiting = poll()
    waiting.register(connection.fileno(), POLLIN)
    return bool(waiting.poll(0))
