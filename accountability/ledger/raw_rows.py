"""Leaves rebuilt from the log's raw rows, read as text with COPY: fast enough for millions.

Converting a row to Python values with psycopg and Django takes 50 us; here its text is copied into the leaf, while Postgres
reads ahead on another core.
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
from liftos.kernel.db.transactions import raw_cursor

_ORDERED = tuple(sorted(RECORD_FIELDS))
# in the order of the leaf, without `versions`, which is JSON itself
_COLUMNS = tuple(name for name in _ORDERED if name != "versions")
_VERSIONS = _ORDERED.index("versions")
_SQL = {
    "payload_commitment": "encode(r.payload_commitment, 'base64')",
    "confidence": "coalesce(r.confidence::text, 'null')",
}
_COPY = """
COPY (
    SELECT l.index, encode(l.leaf_hash, 'hex'), l.decision_id, r.id IS NOT NULL, encode(p.salt, 'hex'), p.body, r.versions,
           {columns}
    FROM accountability_ledgerleaf AS l
    LEFT JOIN accountability_decisionrecord AS r ON r.organisation_id = l.organisation_id AND r.id = l.decision_id
    LEFT JOIN accountability_decisionpayload AS p
        ON p.organisation_id = l.organisation_id AND p.decision_id = l.decision_id
    WHERE l.organisation_id = '{{organisation}}' AND l.index >= {{first}} AND l.index < {{end}} ORDER BY l.index
) TO STDOUT
""".format(columns=", ".join(_SQL.get(name, f"r.{name}") for name in _COLUMNS))
# characters that COPY or JSON escapes, except tab, the field separator
_SPECIAL = re.compile(r'["\\\x00-\x08\x0a-\x1f]')
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NULL = "\\N"


class Altered(Exception):
    """A row of the log was altered; the message says how."""


class RawLeaf(NamedTuple):
    """One leaf of the log with its record.

    Attributes:
        place: index in the log, from 0.
        decision: the record's id.
        stored: the leaf hash in the log, 32 bytes.
        rebuilt: the leaf hash of the record as it is now, 32 bytes.
        recorded: `recorded_at` as in the leaf (RFC 3339, UTC, microseconds).
        erased: whether the record has no payload.
    """

    place: int
    decision: str
    stored: bytes
    rebuilt: bytes
    recorded: str
    erased: bool


def read_leaves(organisation: UUID, first: int, end: int) -> Iterator[RawLeaf]:
    """Yield the leaves `first` to `end` - 1, rebuilt from their records, in order; inside a tenant transaction.

    Raises:
        Altered: a record is missing, can't be hashed, or its payload does not match its commitment.
    """
    # COPY takes no parameters; a UUID and two integers are safe to interpolate
    statement = _COPY.format(organisation=UUID(str(organisation)), first=int(first), end=int(end))
    with raw_cursor() as cursor, cursor.copy(statement.encode()) as rows:
        for row in rows:
            yield _leaf(bytes(row).decode()[:-1])


def _leaf(line: str) -> RawLeaf:
    index, stored, decision, exists, salt, body, versions, rest = line.split("\t", 7)
    if exists != "t":
        raise Altered(f"record {index} ({decision}) is missing")
    fields = rest.split("\t")
    # base64, so never escaped
    committed = fields[_COMMITMENT]
    try:
        recorded = _moment(fields[_RECORDED])[1:-1]
        write = _escaped_leaf if _SPECIAL.search(rest) else _plain_leaf
        rebuilt = leaf_hash(write(fields, _versions(versions)))
    except (ValueError, OverflowError) as error:
        raise Altered(f"record {index} ({decision}) was altered: {error}") from error
    if body != _NULL and commitment_text(bytes.fromhex(salt), _unescaped(body)) != committed:
        raise Altered(f"the payload of record {index} ({decision}) was altered")
    return RawLeaf(int(index), decision, bytes.fromhex(stored), rebuilt, recorded, body == _NULL)


def _plain_leaf(fields: list[str], versions: str) -> bytes:
    """Return the leaf of a record whose texts need no escapes, as most do."""
    for place, write in _CONVERTED:
        fields[place] = write(fields[place])
    fields.insert(_VERSIONS, versions)
    return (_TEMPLATE % tuple(fields)).encode()


def _escaped_leaf(fields: list[str], versions: str) -> bytes:
    """Return the leaf of any record; slower than `_plain_leaf`."""
    texts = {
        name: _WRITERS.get(name, quote)(_unescaped(field))
        for name, field in zip(_COLUMNS, fields, strict=True)
    }
    return leaf_from_texts(texts | {"versions": versions})


def _unescaped(field: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), field) if "\\" in field else field


@lru_cache(maxsize=64)  # a record's times are often equal
def _moment(text: str) -> str:
    if len(text) == 29 and text.endswith("+00"):
        return f'"{text[:10]}T{text[11:26]}Z"'
    return f'"{moment(datetime.fromisoformat(text))}"'


@lru_cache(maxsize=4_096)
def _number(text: str) -> str:
    return "null" if text == "null" else number_text(float(text))


@lru_cache(maxsize=1_024)
def _versions(text: str) -> str:
    return versions_text(loads(_unescaped(text)))


def _parents(text: str) -> str:
    return parents_text(text[1:-1].split(",")) if text != "{}" else "[]"


_WRITERS: dict[str, Callable[[str], str]] = {
    "started_at": _moment,
    "ended_at": _moment,
    "recorded_at": _moment,
    "confidence": _number,
    "parents": _parents,
}
_COMMITMENT = _COLUMNS.index("payload_commitment")
_RECORDED = _COLUMNS.index("recorded_at")
_CONVERTED = tuple((place, _WRITERS[name]) for place, name in enumerate(_COLUMNS) if name in _WRITERS)
_TEMPLATE = (
    "{"
    + ",".join(
        f'"{name}":%s' if name in _WRITERS or name == "versions" else f'"{name}":"%s"' for name in _ORDERED
    )
    + "}"
)
