import json
import math
import struct

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from accountability.canonical import canonicalise
from accountability.ledger.verifier import NotVerified, _canonical

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
both = pytest.mark.parametrize("write", [canonicalise, _canonical], ids=["service", "offline verifier"])


@both
@pytest.mark.parametrize(
    ("bits", "text"),
    # RFC 8785 appendix B
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("8000000000000001", "-5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("ffefffffffffffff", "-1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("c340000000000000", "-9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("44b52d02c7e14af6", "1e+23"),
        ("44b52d02c7e14af7", "1.0000000000000001e+23"),
        ("444b1ae4d6e2ef4e", "999999999999999700000"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("41b3de4355555553", "333333333.3333332"),
        ("41b3de4355555554", "333333333.33333325"),
        ("41b3de4355555555", "333333333.3333333"),
        ("41b3de4355555556", "333333333.3333334"),
        ("41b3de4355555557", "333333333.33333343"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_ecmascript_does(write, bits, text):
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert write(number) == text.encode()


@both
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-7, "1e-7"),
        (1.5e-10, "1.5e-10"),
        (1e20, "100000000000000000000"),
        (1.5e16, "15000000000000000"),
        (1.0, "1"),
        (-0.0, "0"),
        (100.25, "100.25"),
        (2**53 - 1, "9007199254740991"),
        (-(2**53) + 1, "-9007199254740991"),
        (True, "true"),
        (None, "null"),
        ([], "[]"),
        ({}, "{}"),
        ([1, [2.5, "x"], {"b": 1, "a": 2}], '[1,[2.5,"x"],{"a":2,"b":1}]'),
    ],
)
def test_each_value_has_one_canonical_form(write, value, text):
    assert write(value) == text.encode()


@both
def test_rfc_8785_sample(write):
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
        "literals": [None, True, False],
    }
    assert write(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


@both
def test_keys_sort_by_utf16_code_units(write):
    # RFC 8785 section 3.2.3: the smiling face (surrogates D83D DE00) comes before U+FB33, though its code point is higher
    keys = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert list(json.loads(write(keys))) == ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]


@both
def test_only_required_characters_are_escaped(write):
    assert write('\x00\x1f\b\t\n\f\r"\\/\x7f\u2028é') == (
        '"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\/\x7f\u2028é"'.encode()
    )


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**53,
        -(2**53),
        "\ud800",
        {"\udfff": 1},
        {1: 2},
        b"bytes",
        {1, 2},
        object(),
    ],
)
def test_non_json_values_are_refused(value):
    with pytest.raises(ValueError):
        canonicalise([value])


def test_unbounded_nesting_is_refused():
    value: list = []
    value.append(value)
    with pytest.raises(ValueError):
        canonicalise(value)
    with pytest.raises(NotVerified):
        _canonical(value)


@given(values)
def test_service_and_offline_verifier_agree(value):
    assert canonicalise(value) == _canonical(value)


@given(values)
def test_canonical_form_round_trips(value):
    def integer(text: str) -> int | float:
        return int(text) if abs(int(text)) < 2**53 else float(text)

    text = canonicalise(value)
    read = json.loads(text, parse_int=integer)
    assert read == value
    assert canonicalise(read) == text


@given(values)
@settings(max_examples=1_000)
def test_fast_and_reference_encoders_agree(value):
    assert canonicalise(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        0.0,
        -0.0,
        1.0,
        1e-4,
        9.999e-5,
        1e-7,
        0.1,
        1 / 3,
        1e15 + 0.5,
        1e16,
        1e21,
        5e-324,
        2.0**52,
        "\x7f",
        "\u2028",
    ],
)
def test_encoders_agree_on_edge_cases(value):
    assert canonicalise({"a": [value]}) == rfc8785.dumps({"a": [value]})
