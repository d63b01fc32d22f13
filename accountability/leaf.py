"""From a decision record to the leaf that the log hashes. Pure.

A leaf is the canonical JSON (RFC 8785) of the record's facts; of the payload it holds only a salted commitment.
"""

import base64
import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from accountability.canonical import canonicalise
from accountability.merkle import leaf_hash

SALT_BYTES = 32
_EXACT = 2**53  # from here on not every integer is an IEEE double, which is all that canonical JSON has
PAYLOAD_FIELDS = ("reasoning", "inputs", "outputs", "alternatives", "memories")
RECORD_FIELDS = (
    "id", "organisation_id", "operation", "decision_point", "subject_kind", "subject_id", "risk_class", "effect",
    "confidence", "confidence_method", "actor_kind", "actor_id", "on_behalf_of", "parents", "versions",
    "correlation_id", "trace_id", "span_id", "started_at", "ended_at", "recorded_at", "payload_commitment",
)  # fmt: skip


def jsonable(value: Any) -> Any:
    """Return a value in the terms of canonical JSON: ids, times and numbers that it has no exact form for become text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value) if value.isascii() else str(value).encode("utf-8", "replace").decode()
    if isinstance(value, int):
        return int(value) if -_EXACT < value < _EXACT else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) and abs(value) < _EXACT else str(value)
    if isinstance(value, Mapping):
        return {str(jsonable(str(key))): jsonable(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(each) for each in value]
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bytes | memoryview):
        return base64.b64encode(bytes(value)).decode()
    return str(value)


def moment(value: datetime) -> str:
    """Return a time as RFC 3339 text: UTC, microseconds."""
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def payload_text(payload: Mapping[str, Any]) -> str:
    """Return the canonical text of a payload, which is what is stored and committed to."""
    return canonicalise({name: jsonable(payload[name]) for name in PAYLOAD_FIELDS}).decode()


def commitment(salt: bytes, text: str) -> bytes:
    """Return SHA-256(salt || payload), 32 bytes."""
    return hashlib.sha256(salt + text.encode()).digest()


def leaf_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object that a record's leaf is made of.

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


def leaf_bytes(row: Mapping[str, Any]) -> bytes:
    """Return the exact bytes that the log hashes for a record."""
    return canonicalise(leaf_record(row))


def hash_of(row: Mapping[str, Any]) -> bytes:
    """Return a record's leaf hash, 32 bytes."""
    return leaf_hash(leaf_bytes(row))


def parents_of(parents: list[UUID]) -> list[UUID]:
    """Return parents without repeats, in order."""
    return list(dict.fromkeys(parents))
