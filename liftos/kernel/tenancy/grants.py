"""Database rights of the application role: it may only read and write rows of the owner's tables."""

from django.conf import settings
from django.db import connections

BEFORE = """
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{role}";
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO "{role}";
GRANT USAGE ON SCHEMA public TO "{role}";
"""
AFTER = 'REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM "{role}"'


def grant_before_migrating(alias: str) -> None:
    """Grant the application role access to all tables of the coming migrations; some migrations restrict it."""
    _run(alias, BEFORE)


def revoke_after_migrating(alias: str) -> None:
    """Prevent the application role from changing the table of applied migrations."""
    _run(alias, AFTER)


def _run(alias: str, statements: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statements.format(role=settings.LIFTOS_APP_ROLE))
