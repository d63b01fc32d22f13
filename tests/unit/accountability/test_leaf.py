"""The fast leaf encoders agree with the reference."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountability.canonical import canonicalise
from accountability.leaf import PAYLOAD_FIELDS, RECORD_FIELDS, jsonable, leaf_bytes, leaf_record, payload_text
from accountability.ledger import raw_rows

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ANY_TEXT = st.text(max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | ANY_TEXT
    | st.uuids()
    | st.datetimes(timezones=st.just(UTC))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)
# what comes back from Postgres has no NUL
STORED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
MOMENTS = st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  as hypothesis wants it
_OTHERS = {
    "id": st.uuids(),
    "organisation_id": st.uuids(),
    "confidence": st.none() | st.floats(0, 1),
    "parents": st.lists(st.uuids(), max_size=3),
    "versions": st.dictionaries(STORED, STORED | st.integers(-9, 9) | st.floats(0, 1), max_size=3),
    "started_at": MOMENTS,
    "ended_at": MOMENTS,
    "recorded_at": MOMENTS,
    "payload_commitment": st.binary(min_size=32, max_size=32),
}
ROWS = st.fixed_dictionaries({name: _OTHERS.get(name, STORED) for name in RECORD_FIELDS})


@given(ROWS)
def test_fast_leaf_equals_the_canonical_object(row):
    assert leaf_bytes(row) == canonicalise(leaf_record(row))


@given(st.fixed_dictionaries(dict.fromkeys(PAYLOAD_FIELDS, VALUES)))
def test_fast_payload_equals_the_canonical_object(payload):
    assert payload_text(payload).encode() == canonicalise(
        {name: jsonable(payload[name]) for name in PAYLOAD_FIELDS}
    )


@given(VALUES)
def test_jsonable_is_idempotent(value):
    once = jsonable(value)
    assert repr(jsonable(once)) == repr(once)
    json.dumps(once)


def test_times_are_converted_to_utc():
    row = dict.fromkeys(RECORD_FIELDS, "")
    at = datetime(2026, 1, 2, 3, 4, 5, 60, tzinfo=timezone(timedelta(hours=2)))
    row |= {"id": uuid4(), "organisation_id": uuid4(), "parents": [], "versions": {}, "confidence": None}
    row |= {"payload_commitment": bytes(32), "started_at": at, "ended_at": at, "recorded_at": at}
    assert b'"ended_at":"2026-01-02T01:04:05.000060Z"' in leaf_bytes(row)


def copied(value):
    """A field in COPY's text format."""
    escapes = {"\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}
    return "".join(escapes.get(each, each) for each in value)


def written(name, value):
    if name in ("started_at", "ended_at", "recorded_at"):
        text = value.isoformat(sep=" ", timespec="microseconds")[:26].rstrip("0").rstrip(".")
        return f"{text}+00"
    if name == "parents":
        return f"{{{','.join(map(str, value))}}}"
    if name == "versions":
        return json.dumps(value, ensure_ascii=False)
    if name == "payload_commitment":
        return base64.b64encode(value).decode()
    if isinstance(value, UUID):
        return str(value)
    if name == "confidence":
        return "null" if value is None else repr(value)
    return value


@given(ROWS)
def test_leaf_rebuilt_from_copy_text_equals_the_original(row):
    columns = [copied(written(name, row[name])) for name in ("versions", *raw_rows._COLUMNS)]
    found = raw_rows._leaf("\t".join(["7", "00" * 32, str(row["id"]), "t", "\\N", "\\N", *columns]))
    assert (found.place, found.rebuilt) == (7, raw_rows.leaf_hash(leaf_bytes(row)))


LETTERS = st.text(st.characters(categories=["L", "N"]), max_size=8)
PLAIN_ROWS = st.fixed_dictionaries({name: _OTHERS.get(name, LETTERS) for name in RECORD_FIELDS})


@given(PLAIN_ROWS)
def test_unescaped_text_takes_the_fast_path_with_the_same_result(row):
    columns = [copied(written(name, row[name])) for name in raw_rows._COLUMNS]
    versions = canonicalise(row["versions"]).decode()
    assert not raw_rows._SPECIAL.search("\t".join(columns))
    assert (
        raw_rows._plain_leaf(list(columns), versions)
        == raw_rows._escaped_leaf(columns, versions)
        == leaf_bytes(row)
    )


def test_a_missing_record_is_named():
    with pytest.raises(raw_rows.Altered, match=r"record 3 .* is missing"):
        raw_rows._leaf("\t".join(["3", "00", "id", "f", "\\N", "\\N", *["\\N"] * len(RECORD_FIELDS)]))
