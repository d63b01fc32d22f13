"""The leaf of a decision record, which the log hashes. Pure.

A leaf is the canonical JSON (RFC 8785) of the record's facts, with a salted commitment in place of the payload.
"""

import base64
import hashlib
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from accountability.canonical import EXACT, Unlike, canonicalise, encode, quote, same_number
from accountability.merkle import leaf_hash
from liftos.kernel.precedence import giving_way

SALT_BYTES = 32
PAYLOAD_FIELDS = ("reasoning", "inputs", "outputs", "alternatives", "memories")
RECORD_FIELDS = (
    "id", "organisation_id", "operation", "decision_point", "subject_kind", "subject_id", "risk_class", "effect",
    "confidence", "confidence_method", "actor_kind", "actor_id", "on_behalf_of", "parents", "versions",
    "correlation_id", "trace_id", "span_id", "started_at", "ended_at", "recorded_at", "payload_commitment",
)  # fmt: skip


def jsonable(value: Any) -> Any:
    """Return a value as canonical JSON can hold it: ids, times and numbers without an exact double become text."""
    kind = type(value)
    # exact types first: they are nearly all values, and isinstance is slower than everything else here
    if kind is str:
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if kind is dict:
        return {
            key if type(key) is str and key.isascii() else _key(key): (
                each if type(each) is str and each.isascii() else jsonable(each)
            )
            for key, each in value.items()
        }
    if kind is list or kind is tuple:
        return [each if type(each) is str and each.isascii() else jsonable(each) for each in value]
    return _jsonable(value)


def _key(key: Any) -> str:
    return str(jsonable(str(key)))


def _jsonable(value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return jsonable(str(value))
    if isinstance(value, int):
        return int(value) if -EXACT < value < EXACT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) and abs(value) < EXACT else str(value)
    if isinstance(value, Mapping):
        return jsonable(dict(value))
    if isinstance(value, list | tuple | set | frozenset):
        return jsonable(list(value))
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return str(value)


def moment(value: datetime) -> str:
    """Return a time as RFC 3339 text: UTC, microseconds."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    # an aware time in UTC ends with +00:00
    return value.isoformat(timespec="microseconds")[:-6] + "Z"


def payload_text(payload: Mapping[str, Any]) -> str:
    """Return the canonical text of a payload, which is stored and committed to."""
    try:
        return encode({name: _plain(payload[name]) for name in giving_way(PAYLOAD_FIELDS)})
    except (Unlike, RecursionError):
        return canonicalise({name: jsonable(payload[name]) for name in PAYLOAD_FIELDS}).decode()


def _plain(value: Any) -> Any:
    """Return `jsonable(value)`, ready for Python's encoder, in one walk instead of two; for common types only.

    Raises:
        Unlike: the value holds something that needs both walks.
    """
    kind = type(value)
    if kind is str and value.isascii():
        return value
    if kind is float:
        return same_number(value)
    if kind is dict:
        for key in value:
            if type(key) is not str or not key.isascii():
                raise Unlike
        return {
            key: each if type(each) is str and each.isascii() else _plain(each) for key, each in value.items()
        }
    if kind is list or kind is tuple:
        return [each if type(each) is str and each.isascii() else _plain(each) for each in value]
    if value is None or kind is bool or (kind is int and -EXACT < value < EXACT):
        return value
    if kind is str:
        return value.encode("utf-8", "replace").decode()
    if kind is UUID:
        return str(value)
    raise Unlike


def commitment(salt: bytes, text: str) -> bytes:
    """Return SHA-256(salt || payload), 32 bytes."""
    return hashlib.sha256(salt + text.encode()).digest()


def commitment_text(salt: bytes, text: str) -> str:
    """Return the commitment in base64, as in the leaf."""
    return base64.b64encode(commitment(salt, text)).decode()


def leaf_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object whose canonical form is a record's leaf.

    Args:
        row: the record's columns by RECORD_FIELDS; ids as UUID, times aware, the commitment as bytes.
    """
    record = {name: row[name] for name in RECORD_FIELDS}
    for name in ("started_at", "ended_at", "recorded_at"):
        record[name] = moment(record[name])
    record["id"], record["organisation_id"] = str(row["id"]), str(row["organisation_id"])
    record["parents"] = [str(parent) for parent in row["parents"]]
    record["payload_commitment"] = base64.b64encode(bytes(row["payload_commitment"])).decode()
    return record


# the fields in canonical order, which for these names is alphabetical
_LEAF = "{" + ",".join(f'"{name}":%({name})s' for name in sorted(RECORD_FIELDS)) + "}"
_HEAD, _TAIL = _LEAF.split("%(recorded_at)s")
_TEXTS = (
    "operation", "decision_point", "subject_kind", "subject_id", "risk_class", "effect", "confidence_method",
    "actor_kind", "actor_id", "on_behalf_of", "correlation_id", "trace_id", "span_id",
)  # fmt: skip


def leaf_bytes(row: Mapping[str, Any]) -> bytes:
    """Return the exact bytes that the log hashes for a record: the canonical form of `leaf_record`.

    Written field by field, five times as fast as encoding the object; a test compares the two.

    Raises:
        ValueError: a value that canonical JSON can't hold.
    """
    head, tail = leaf_around(row)
    return head + f'"{moment(row["recorded_at"])}"'.encode() + tail


def leaf_around(row: Mapping[str, Any]) -> tuple[bytes, bytes]:
    """Return a record's leaf before and after the value of `recorded_at`, which the database sets.

    Args:
        row: as for `leaf_record`; `recorded_at` is not read.

    Raises:
        ValueError: a value that canonical JSON can't hold.
    """
    values: dict[str, str] = {name: quote(row[name]) for name in _TEXTS}
    started, ended = row["started_at"], row["ended_at"]
    values["ended_at"] = written = f'"{moment(ended)}"'
    values["started_at"] = written if started is ended else f'"{moment(started)}"'
    values["id"] = f'"{row["id"]}"'
    values["organisation_id"] = f'"{row["organisation_id"]}"'
    values["parents"] = parents_text(map(str, row["parents"]))
    values["payload_commitment"] = f'"{base64.b64encode(bytes(row["payload_commitment"])).decode()}"'
    values["confidence"] = number_text(row["confidence"])
    values["versions"] = versions_text(row["versions"])
    return _encoded(_HEAD % values), _encoded(_TAIL % values)


def leaf_from_texts(values: Mapping[str, str]) -> bytes:
    """Return a leaf's bytes from the canonical JSON of each of the RECORD_FIELDS.

    Raises:
        ValueError: a lone surrogate.
    """
    return _encoded(_LEAF % values)


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("the text contains a lone surrogate") from error


def parents_text(parents: Iterable[str]) -> str:
    """Return ids as a JSON array of strings."""
    inside = '","'.join(parents)
    return f'["{inside}"]' if inside else "[]"


def number_text(value: float | None) -> str:
    """Return a number, or null for None, as canonical JSON."""
    return "null" if value is None else canonicalise(value).decode()


def versions_text(versions: Mapping[str, Any]) -> str:
    """Return the versions as canonical JSON."""
    return canonicalise(versions).decode() if versions else "{}"


def hash_of(row: Mapping[str, Any]) -> bytes:
    """Return a record's leaf hash, 32 bytes."""
    return leaf_hash(leaf_bytes(row))
