"""Search of a table for rows that quote erased memories."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.erasure.quotes import Quotes
from liftos.kernel.erasure.types import Going

# Postgres excludes most rows by a word of each text; the rest are compared here with `Quotes`. ASCII text, recognised by its
# equal number of characters and bytes, needs no normalisation. OFFSET keeps a row's texts from being put together several times.
_IN_FORM = """
CROSS JOIN LATERAL (
    SELECT CASE WHEN octet_length(it) = length(it) THEN lower(it) ELSE lower(normalize(it, NFKC)) END AS form OFFSET 0
) AS formed
"""
_FIND = f"""
SELECT {{keys}}, {{columns}} FROM (
    SELECT * FROM {{table}} WHERE organisation_id = %(organisation)s {{only}} ORDER BY {{order}} DESC LIMIT %(limit)s
) AS newest
CROSS JOIN LATERAL (SELECT concat_ws(' ', {{columns}}) AS it OFFSET 0) AS said
{_IN_FORM}
WHERE form ~ %(pattern)s
"""  # noqa: S608  built from constants
# the kinds of rows that may quote one, where rows differ by ids that quote nothing
_KINDS = f"""
WITH kinds AS MATERIALIZED (
    SELECT DISTINCT concat_ws(' ', {{bare}}) AS it FROM (
        SELECT * FROM {{table}} WHERE organisation_id = %(organisation)s {{only}} ORDER BY {{order}} DESC LIMIT %(limit)s
    ) AS newest
)
SELECT it FROM kinds {_IN_FORM} WHERE form ~ %(pattern)s
"""  # noqa: S608  built from constants
_OF_KINDS = """
SELECT {keys}, {columns} FROM (
    SELECT * FROM {table} WHERE organisation_id = %(organisation)s {only} ORDER BY {order} DESC LIMIT %(limit)s
) AS newest
WHERE concat_ws(' ', {bare}) IN (SELECT unnest(%(kinds)s::text[]))
"""
# all rows, and all kinds of them, for many words: looked up here, one by one, several times as fast as by a regular expression
_ALL = """
SELECT {keys}, {columns} FROM {table} WHERE organisation_id = %(organisation)s {only} ORDER BY {order} DESC LIMIT %(limit)s
"""
_ALL_KINDS = """
SELECT DISTINCT concat_ws(' ', {bare}) AS it FROM (
    SELECT * FROM {table} WHERE organisation_id = %(organisation)s {only} ORDER BY {order} DESC LIMIT %(limit)s
) AS newest
"""
_MORE = """
SELECT EXISTS (SELECT 1 FROM {table} WHERE organisation_id = %(organisation)s {only} OFFSET %(limit)s)
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A table that may quote memories.

    Attributes:
        table: with an `organisation_id`.
        keys: the columns that identify a row.
        texts: text columns.
        values: JSON columns, and arrays, which are read as JSON.
        documents: text columns that hold JSON.
        order: the column that sorts rows by age.
        only: an additional SQL condition.
        ids: keys of the JSON values whose own values are ids. Many rows may then differ by these alone, and are compared once.
    """

    table: str
    keys: tuple[str, ...]
    texts: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    order: str = "id"
    only: str = ""
    ids: tuple[str, ...] = ()

    def columns(self, *, bare: bool = False) -> str:
        """Return the SQL of the texts and values; bare ones are without ids."""
        values = [f"{each} - %(ids)s::text[]" if bare else each for each in self.values]
        return ", ".join((*self.texts, *(f"to_jsonb({each})::text" for each in values), *self.documents))


def quoting(going: Going, place: Place, also: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """Return the rows that quote erased memories, each as its keys and columns, with JSON parsed.

    Only the organisation's newest `LIFTOS_ERASURE_ROWS` rows are searched; if there are more, the receipt says so.

    Args:
        going: the erased memories.
        place: the table to search.
        also: further words; rows that contain one are returned too.
    """
    pattern, words = "|".join(filter(None, (going.quotes.pattern, *also))), going.quotes.words
    if not (pattern or words):
        return []
    parts = {
        "table": place.table,
        "keys": ", ".join(place.keys),
        "columns": place.columns(),
        "bare": place.columns(bare=True),
        "only": place.only,
        "order": place.order,
    }
    values: dict[str, Any] = {
        "organisation": going.organisation,
        "limit": settings.LIFTOS_ERASURE_ROWS,
        "pattern": pattern,
        "ids": list(place.ids),
    }
    by_kind = bool(place.ids) and not going.quotes.is_like_an_id
    every, some = (_ALL_KINDS, _KINDS) if by_kind else (_ALL, _FIND)
    keys = 0 if by_kind else len(place.keys)
    candidates = _with_word(going.quotes, every.format(**parts), values, keys) if words else []
    with raw_cursor() as cursor:
        if pattern:
            candidates += cursor.execute(some.format(**parts), values).fetchall()
        if by_kind:
            kinds = [row[0] for row in candidates]
            found = _OF_KINDS.format(**parts)
            candidates = cursor.execute(found, values | {"kinds": kinds}).fetchall() if kinds else []
        more = cursor.execute(_MORE.format(**parts), values).fetchone()
    if more and more[0]:
        going.not_looked_at.add(place.table)
    rows = {row[: len(place.keys)]: row for row in candidates}.values()
    return list(_verified(going, place, rows, also))


def _with_word(quotes: Quotes, statement: str, values: dict[str, Any], keys: int) -> list[tuple[Any, ...]]:
    """Return the rows of a statement that contain one of the words; rows of 200,000 are never in memory together."""
    with connection.chunked_cursor() as cursor:
        cursor.execute(statement, values)
        return [row for row in cursor if quotes.has_word(" ".join(each for each in row[keys:] if each))]


def _verified(
    going: Going, place: Place, rows: Iterable[tuple[Any, ...]], also: Sequence[str]
) -> Iterable[tuple[Any, ...]]:
    keys, texts = len(place.keys), len(place.texts)
    columns = (*place.values, *place.documents)
    for row in rows:
        said = row[keys : keys + texts]
        raw = row[keys + texts :]
        read = [None if each is None else json.loads(each) for each in raw]
        found = any(
            going.quotes.in_text(each or "", name) for each, name in zip(said, place.texts, strict=True)
        ) or any(going.quotes.in_value(each, name) for each, name in zip(read, columns, strict=True))
        if found or any(word in each for word in also for each in raw if each):
            yield (*row[:keys], *said, *read)
