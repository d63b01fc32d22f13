"""Django's Postgres backend with a pool that recovers from a restart of Postgres at once, and with pipelining."""
