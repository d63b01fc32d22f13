"""Search of a table for rows that quote erased memories."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.erasure.types import Going

# Postgres excludes most rows by a word of each text; the rest are compared here with `Quotes`. ASCII text, recognised by its
# equal number of characters and bytes, needs no normalisation.
_FIND = """
SELECT {keys}, {columns} FROM (
    SELECT * FROM {table} WHERE organisation_id = %(organisation)s {only} ORDER BY {order} DESC LIMIT %(limit)s
) AS newest
CROSS JOIN LATERAL (SELECT concat_ws(' ', {columns}) AS it) AS said
WHERE CASE WHEN octet_length(it) = length(it) THEN lower(it) ELSE lower(normalize(it, NFKC)) END ~ %(pattern)s
"""
# the kinds of rows that may quote one, where rows differ by ids that quote nothing
_KINDS = """
WITH kinds AS MATERIALIZED (
    SELECT DISTINCT concat_ws(' ', {bare}) AS it FROM (
        SELECT * FROM {table} WHERE organisation_id = %(organisation)s {only} ORDER BY {order} DESC LIMIT %(limit)s
    ) AS newest
)
SELECT it FROM kinds
WHERE CASE WHEN octet_length(it) = length(it) THEN lower(it) ELSE lower(normalize(it, NFKC)) END ~ %(pattern)s
"""
_OF_KINDS = """
SELECT {keys}, {columns} FROM (
    SELECT * FROM {table} WHERE organisation_id = %(organisation)s {only} ORDER BY {order} DESC LIMIT %(limit)s
) AS newest
WHERE concat_ws(' ', {bare}) IN (SELECT unnest(%(kinds)s::text[]))
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
    pattern = "|".join(filter(None, (going.quotes.pattern, *also)))
    if not pattern:
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
    with raw_cursor() as cursor:
        if place.ids and not going.quotes.is_like_an_id:
            kinds = [row[0] for row in cursor.execute(_KINDS.format(**parts), values).fetchall()]
            found = _OF_KINDS.format(**parts)
            rows = cursor.execute(found, values | {"kinds": kinds}).fetchall() if kinds else []
        else:
            rows = cursor.execute(_FIND.format(**parts), values).fetchall()
        more = cursor.execute(_MORE.format(**parts), values).fetchone()
    if more and more[0]:
        going.not_looked_at.add(place.table)
    return list(_verified(going, place, rows, also))


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
