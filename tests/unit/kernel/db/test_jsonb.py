"""JSON for jsonb: accepts exactly the texts that Postgres can store."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftos.kernel.db.jsonb import NotStorable, storable, to_jsonb

texts = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    ["\\u0000", "\\\\u0000", "\\\x00", "\\\\\x00", "🚀", "\\", "\ud83d", "\U0010ffff"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


def _texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from _texts(each)


@given(values)
def test_value_is_refused_exactly_if_a_text_is_unstorable(value):
    bad = any("\x00" in text or any(0xD800 <= ord(one) <= 0xDFFF for one in text) for text in _texts(value))
    if bad:
        with pytest.raises(NotStorable):
            to_jsonb(value)
    else:
        assert json.loads(to_jsonb(value)) == value


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {"a": {1, 2}}])
def test_non_json_values_are_refused(value):
    with pytest.raises((TypeError, ValueError)):
        to_jsonb(value)


@given(texts)
def test_any_text_can_be_made_storable(text):
    kept = storable(text)
    assert to_jsonb(kept)
    assert kept == text or "\x00" in text or any(0xD800 <= ord(one) <= 0xDFFF for one in text)
