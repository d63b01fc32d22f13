"""A row for any table, as plain values: what its model would fill in, and something of the right type for the rest."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import connection, models
from django.db.models.fields import NOT_PROVIDED

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
FILLINGS = {
    "uuid": UUID(int=1),
    "text": "x",
    "character varying": "x",
    "integer": 1,
    "smallint": 1,
    "bigint": 1,
    "double precision": 0.5,
    "numeric": 1,
    "boolean": False,
    "timestamp with time zone": MOMENT,
    "date": MOMENT.date(),
    "bytea": b"x",
    "jsonb": "{}",
    "ARRAY": [],
}


def make_row(table: str) -> dict[str, Any]:
    """Return a value for each column of a table that needs one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
            " AND is_nullable = 'NO' AND column_default IS NULL",
            [table],
        )
        row = {name: FILLINGS.get(kind, "x") for name, kind in cursor.fetchall()}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.db_table == table:
            row |= {field.column: _default(field) for field in _with_defaults(model) if field.column in row}
    return row


def _with_defaults(model: type[models.Model]) -> list[Any]:
    return [each for each in model._meta.concrete_fields if each.default is not NOT_PROVIDED]


def _default(field: Any) -> Any:
    return field.get_db_prep_save(field.get_default(), connection)
