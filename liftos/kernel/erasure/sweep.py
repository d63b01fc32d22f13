"""Looking through a table for rows that quote what is being erased."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.erasure.types import Going

# Postgres rules most rows out by a word of each text; what is left is compared here, by the rules of `Quotes`. A text of ASCII
# has as many characters as bytes, and is in its normal form.
_FIND = """
SELECT {keys}, {columns} FROM (
    SELECT * FROM {table} WHERE organisation_id = %(organisation)s {only} ORDER BY {order} DESC LIMIT %(limit)s
) AS newest
CROSS JOIN LATERAL (SELECT concat_ws(' ', {columns}) AS it) AS said
WHERE CASE WHEN octet_length(it) = length(it) THEN lower(it) ELSE lower(normalize(it, NFKC)) END ~ %(pattern)s
"""
_MORE = """
SELECT EXISTS (SELECT 1 FROM {table} WHERE organisation_id = %(organisation)s {only} OFFSET %(limit)s)
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A table in which texts may be quoted.

    Attributes:
        table: with an `organisation_id`.
        keys: the columns that name a row.
        texts: its columns of text.
        values: its columns of JSON, and of arrays, which are read as JSON.
        documents: its columns of text that hold JSON.
        order: the column by which the newest rows are looked at first.
        only: a further condition.
    """

    table: str
    keys: tuple[str, ...]
    texts: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    order: str = "id"
    only: str = ""


def quoting(going: Going, place: Place, also: Sequence[str] = ()) -> list[tuple[Any, ...]]:
    """Return the rows that quote what is being erased, each as its keys and columns; values are read.

    The newest `LIFTOS_ERASURE_ROWS` of the organisation are looked at; where there are more, the receipt is told.

    Args:
        going: what is being erased.
        place: where to look.
        also: further words; a row with one of them is returned whether or not it quotes anything.
    """
    words = [*going.quotes.words, *also]
    if not words:
        return []
    parts = {
        "table": place.table,
        "keys": ", ".join(place.keys),
        "columns": ", ".join(
            (*place.texts, *(f"to_jsonb({each})::text" for each in place.values), *place.documents)
        ),
        "only": place.only,
        "order": place.order,
    }
    values = {
        "organisation": going.organisation,
        "limit": settings.LIFTOS_ERASURE_ROWS,
        "pattern": "|".join(words),
    }
    with raw_cursor() as cursor:
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
