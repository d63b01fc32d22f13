"""The rows of one organisation in every table, by a role that bypasses row-level security."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

# tables with a column organisation_id: a new one is found by itself
_TENANT_TABLES = """
SELECT c.relname FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'organisation_id'
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped
ORDER BY c.relname
"""
# the admin's history of an organisation's objects; the table belongs to the installation
_FORGET_ADMIN_HISTORY = """
DELETE FROM django_admin_log AS l USING django_content_type AS t
WHERE t.id = l.content_type_id AND t.app_label = %s AND t.model = %s AND l.object_id = ANY(%s)
"""
ORGANISATIONS = "tenancy_organisation"
# hashes of credentials, and copies that are derived from other rows
NOT_EXPORTED = frozenset(
    {
        "accountability_decisiontext", "generations_mark", "idempotency_idempotencykey", "memory_attribute", "memory_corpuscounter", "memory_entity", "memory_factkey",
        "memory_memoryvector", "memory_posting", "memory_postinglist", "memory_segment", "memory_segmentdocument", "memory_thread",
    }
)  # fmt: skip
_SECRET = frozenset({"secret_hash", "ciphertext", "nonce"})


def tenant_tables(connection: psycopg.Connection) -> list[str]:
    """Return the tables whose rows belong to organisations."""
    return [row[0] for row in connection.execute(_TENANT_TABLES).fetchall()]


def export_table(connection: psycopg.Connection, table: str, organisation: UUID, path: Path) -> int:
    """Write an organisation's rows as JSON lines, without secrets; return their number."""
    query = sql.SQL("SELECT to_jsonb(t)::text FROM {} AS t WHERE organisation_id = %s").format(
        sql.Identifier(table)
    )
    written = 0
    with connection.cursor(name="export") as cursor, path.open("w", encoding="utf-8") as file:
        cursor.execute(query, [organisation])
        for (row,) in cursor:
            shown = {name: value for name, value in json.loads(row).items() if name not in _SECRET}
            file.write(json.dumps(shown, ensure_ascii=False) + "\n")
            written += 1
    return written


def delete_rows(
    connection: psycopg.Connection, organisation: UUID, models: dict[str, tuple[str, str]]
) -> dict[str, int]:
    """Delete an organisation's rows from every table, and the organisation, in one transaction; return their number by table.

    Triggers and foreign keys are off for this transaction alone: append-only tables refuse to delete otherwise, and rows that refer to
    each other go together.

    Args:
        connection: of a superuser.
        organisation: by id.
        models: the app and model of a table, by which the admin's history names its rows.

    Raises:
        psycopg.Error: nothing was deleted.
    """
    removed: dict[str, int] = {}
    with connection.transaction():
        connection.execute("SET LOCAL session_replication_role = replica")
        for table in tenant_tables(connection):
            if table in models:
                history = _history_of(connection, table, organisation, models[table])
                removed["django_admin_log"] = removed.get("django_admin_log", 0) + history
            where = sql.SQL("DELETE FROM {} WHERE organisation_id = %s").format(sql.Identifier(table))
            removed[table] = connection.execute(where, [organisation]).rowcount
        gone = sql.SQL("DELETE FROM {} WHERE id = %s").format(sql.Identifier(ORGANISATIONS))
        removed["django_admin_log"] = (
            removed.get("django_admin_log", 0)
            + connection.execute(
                _FORGET_ADMIN_HISTORY, [*models[ORGANISATIONS], [str(organisation)]]
            ).rowcount
        )
        removed[ORGANISATIONS] = connection.execute(gone, [organisation]).rowcount
    return {table: count for table, count in removed.items() if count}


def _history_of(
    connection: psycopg.Connection, table: str, organisation: UUID, model: tuple[str, str]
) -> int:
    named = sql.SQL("SELECT to_jsonb(t) ->> 'id' FROM {} AS t WHERE organisation_id = %s").format(
        sql.Identifier(table)
    )
    ids: list[Any] = [row[0] for row in _batched(connection, named, organisation) if row[0] is not None]
    return connection.execute(_FORGET_ADMIN_HISTORY, [*model, ids]).rowcount if ids else 0


def _batched(connection: psycopg.Connection, query: sql.Composed, organisation: UUID) -> Iterator[Any]:
    yield from connection.execute(query, [organisation])
