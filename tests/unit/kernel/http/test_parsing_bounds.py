"""Limits of JSON documents, by text and by value."""

import json

import pytest

from liftos.kernel.http.parsing import InvalidRequest, check_storable, parse_json


def refused(text):
    with pytest.raises(InvalidRequest) as caught:
        parse_json(text)
    return caught.value.items[0]["type"]


@pytest.fixture(autouse=True)
def small(settings):
    settings.LIFTOS_MAX_JSON_VALUES = 100


@pytest.mark.parametrize(
    "text", ["[" + "0," * 200 + "0]", "[" + "[]," * 60 + "0]", '{"a":' + "[" * 150, "{" * 150]
)
def test_too_many_values_are_refused_unparsed(text):
    assert refused(text) == "too_many_values"


@pytest.mark.parametrize("content", ["a, b, c" * 500, "[{,\\" * 500, '"quoted, "' * 500, "\\" * 501 + ","])
def test_punctuation_inside_strings_is_not_counted(content):
    assert parse_json(json.dumps({"content": content})) == {"content": content}


@pytest.mark.parametrize(
    ("text", "kind"),
    [('"\\u0000"', "string_nul"), ('["\\ud800"]', "string_unicode"), ('{"\\udc00": 1}', "string_unicode"),
     ("1e999", "finite_number"), ("-1E+400", "finite_number"), ("1" * 400 + ".0", "finite_number"),
     ("[" * 65 + "]" * 65, "too_deep"), ('{"a":' * 65 + "1" + "}" * 65, "too_deep")],
)  # fmt: skip
def test_unsound_json_is_refused(text, kind):
    assert refused(text) == kind


@pytest.mark.parametrize("text", ['"\\u0041"', "1e99", "[" * 64 + "]" * 64, '"1e999"', '"\\\\u0000"'])
def test_sound_json_is_accepted(text):
    assert parse_json(text) == json.loads(text)


@pytest.mark.parametrize(
    ("value", "kind", "place"),
    [
        ({"a": ["half \ud83d"]}, "string_unicode", ["arguments", "a", 0]),
        ({"a": {"\udc00": 1}}, "string_unicode", ["arguments", "a"]),
        ({"a": "x\x00"}, "string_nul", ["arguments", "a"]),
        ({"a": float("inf")}, "finite_number", ["arguments", "a"]),
    ],
)
def test_unstorable_value_is_refused_at_its_position(value, kind, place):
    with pytest.raises(InvalidRequest) as refused:
        check_storable(value, loc=("arguments",))
    [item] = refused.value.items
    assert (item["type"], item["loc"]) == (kind, place)


def test_storable_values_are_accepted():
    assert check_storable({"a": ["🚀", "\\ud83d", 10**400, None]}, loc=("arguments",)) is None
