"""The log's raw rows as text, straight from COPY, and the leaves rebuilt from them: fast enough for millions.

A row that psycopg and Django turn into Python values takes 50 us; here no value is made, only the text that goes into the
leaf, and Postgres reads ahead on another core meanwhile.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from json import loads
from typing import NamedTuple
from uuid import UUID

from accountability.canonical import quote
from accountability.leaf import (
    RECORD_FIELDS,
    commitment_text,
    leaf_from_texts,
    moment,
    number_text,
    parents_text,
    versions_text,
)
from accountability.merkle import leaf_hash
from liftos.db import raw_cursor

_ORDERED = tuple(sorted(RECORD_FIELDS))
_SQL = {"payload_commitment": "encode(r.payload_commitment, 'base64')"}
_COPY = """
COPY (
    SELECT l.index, encode(l.leaf_hash, 'hex'), l.decision_id, r.id IS NOT NULL, encode(p.salt, 'hex'), p.body, {columns}
    FROM accountability_ledgerleaf AS l
    LEFT JOIN accountability_decisionrecord AS r ON r.organisation_id = l.organisation_id AND r.id = l.decision_id
    LEFT JOIN accountability_decisionpayload AS p
        ON p.organisation_id = l.organisation_id AND p.decision_id = l.decision_id
    WHERE l.organisation_id = '{{organisation}}' AND l.index >= {{first}} AND l.index < {{end}} ORDER BY l.index
) TO STDOUT
""".format(columns=", ".join(_SQL.get(name, f"r.{name}") for name in _ORDERED))
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NULL = "\\N"


class Altered(Exception):
    """What is wrong with a row, in words."""


class RawLeaf(NamedTuple):
    """One place of the log with its record.

    Attributes:
        place: from 0.
        decision: the record's id.
        stored: the leaf hash that the log holds, 32 bytes.
        rebuilt: the leaf hash of the record as it is now, 32 bytes.
    """

    place: int
    decision: str
    stored: bytes
    rebuilt: bytes


def read_leaves(organisation: UUID, first: int, end: int) -> Iterator[RawLeaf]:
    """Yield the places from `first` up to `end`, rebuilt from their records, in order; inside a tenant transaction.

    Raises:
        Altered: a record is missing, can't be hashed, or its payload is not the one that it commits to.
    """
    # COPY takes no parameters; what is put in is a UUID and two whole numbers
    statement = _COPY.format(organisation=UUID(str(organisation)), first=int(first), end=int(end))
    with raw_cursor() as cursor, cursor.copy(statement.encode()) as rows:
        for row in rows:
            yield _leaf(bytes(row).decode()[:-1])


def _leaf(line: str) -> RawLeaf:
    fields: list[str] = line.split("\t")
    if "\\" in line:
        fields = [_unescaped(field) if "\\" in field else field for field in fields]
    index, stored, decision, exists, salt, body, *columns = fields
    if exists != "t":
        raise Altered(f"record {index} ({decision}) is missing")
    try:
        texts = {name: write(text) for name, write, text in zip(_ORDERED, _WRITERS, columns, strict=True)}
        rebuilt = leaf_hash(leaf_from_texts(texts))
    except (ValueError, OverflowError) as error:
        raise Altered(f"record {index} ({decision}) was altered: {error}") from error
    if body != _NULL and commitment_text(bytes.fromhex(salt), body) != texts["payload_commitment"][1:-1]:
        raise Altered(f"the payload of record {index} ({decision}) was altered")
    return RawLeaf(int(index), decision, bytes.fromhex(stored), rebuilt)


def _unescaped(field: str) -> str:
    # a field that is NULL is left as it is: text of these two characters has its backslash doubled
    return field if field == _NULL else _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), field)


@lru_cache(maxsize=64)  # a record's times are often one and the same
def _moment(text: str) -> str:
    if len(text) == 29 and text.endswith("+00"):
        return f'"{text[:10]}T{text[11:26]}Z"'
    return f'"{moment(datetime.fromisoformat(text))}"'


@lru_cache(maxsize=4_096)
def _number(text: str) -> str:
    return number_text(None if text == _NULL else float(text))


@lru_cache(maxsize=1_024)
def _versions(text: str) -> str:
    return versions_text(loads(text))


def _parents(text: str) -> str:
    return parents_text(text[1:-1].split(",")) if text != "{}" else "[]"


_OTHERS: dict[str, Callable[[str], str]] = {
    "started_at": _moment,
    "ended_at": _moment,
    "recorded_at": _moment,
    "confidence": _number,
    "versions": _versions,
    "parents": _parents,
}
_WRITERS = tuple(_OTHERS.get(name, quote) for name in _ORDERED)
