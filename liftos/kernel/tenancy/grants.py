"""What the application role may do: read and write rows of the tables the owner makes, and nothing else."""

from django.conf import settings
from django.db import connections

BEFORE = """
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO "{role}";
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO "{role}";
GRANT USAGE ON SCHEMA public TO "{role}";
"""
AFTER = 'REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM "{role}"'


def grant_before_migrating(alias: str) -> None:
    """Make every table of the coming migrations usable by the application role; what narrows comes later."""
    _run(alias, BEFORE)


def revoke_after_migrating(alias: str) -> None:
    """Keep the application role from rewriting the record of migrations."""
    _run(alias, AFTER)


def _run(alias: str, statements: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(statements.format(role=settings.LIFTOS_APP_ROLE))
