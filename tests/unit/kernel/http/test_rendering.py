import json
from enum import StrEnum
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftos.kernel.http.dump import dump_json

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


class Colour(StrEnum):
    RED = "red"


@given(value=values)
def test_rendering_round_trips(value):
    assert json.loads(dump_json(value)) == value


def test_keys_keep_their_order_and_text_its_form():
    assert dump_json({"b": 1, "a": "é\n"}) == '{"b":1,"a":"é\\n"}'.encode()


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Colour.RED, b'"red"'),
        (UUID(int=1), b'"00000000-0000-0000-0000-000000000001"'),
        ((1, 2), b"[1,2]"),
        (ValueError("why"), b'"why"'),
        ({"echoed": "\ud800"}, b'{"echoed":"\\ud800"}'),
    ],
)
def test_values_without_a_json_form_have_a_substitute(value, written):
    assert dump_json(value) == written
