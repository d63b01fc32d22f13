"""The database backend. See `liftos.backend`."""

from typing import Any

import psycopg
from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Hands out pooled connections that were alive a moment ago.

    The pool's own check (CONN_HEALTH_CHECKS) throws dead connections away one by one and sleeps a second and more in
    between, so after a restart of Postgres a pool of a few would outlast its own timeout and requests would fail. One
    dead connection means that all are: here the first empties the pool.
    """

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection that has just answered (one empty round trip, 30 us on a Unix socket)."""
        connection = super().get_new_connection(conn_params)
        if not self.pool:
            return connection
        try:
            connection.execute("")
        except psycopg.OperationalError:
            self.pool.drain()
            self.pool.putconn(connection)
            connection = super().get_new_connection(conn_params)
        return connection
