"""Validation agrees with jsonschema and takes linear time."""

from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from liftos.kernel.deadlines import Deadline, TookTooLong, use_deadline
from workflows.definition import checking
from workflows.definition.checking import Checker
from workflows.definition.formats import FORMATS
from workflows.definition.keywords import schema_faults
from workflows.definition.schemas import MAX_FAULTS, value_faults

NAMES = st.sampled_from("abc")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0, 1.5, -2.5])
    | st.text("ab1", max_size=3)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
COUNTS = st.integers(0, 3)


def some_of(**keywords):
    return st.fixed_dictionaries({}, optional=keywords)


TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])
PLAIN = some_of(
    type=TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
    enum=st.lists(VALUES, max_size=4),
    const=VALUES,
    minimum=st.integers(-2, 2),
    maximum=st.integers(-2, 2),
    exclusiveMinimum=st.integers(-2, 2),
    exclusiveMaximum=st.integers(-2, 2),
    multipleOf=st.sampled_from([1, 2, 0.5]),
    minLength=COUNTS,
    maxLength=COUNTS,
    minItems=COUNTS,
    maxItems=COUNTS,
    uniqueItems=st.booleans(),
    minProperties=COUNTS,
    maxProperties=COUNTS,
    required=st.lists(NAMES, max_size=2, unique=True),
)
# few keywords at a time: with all of them nothing would ever fit
FEW = st.lists(PLAIN, min_size=1, max_size=1).map(lambda each: dict(list(each[0].items())[:2]))
SCHEMAS = st.recursive(
    st.booleans() | FEW,
    lambda inner: some_of(
        properties=st.dictionaries(NAMES, inner, max_size=2),
        additionalProperties=inner,
        propertyNames=inner,
        items=inner,
        prefixItems=st.lists(inner, min_size=1, max_size=2),
        contains=inner,
        minContains=COUNTS,
        maxContains=COUNTS,
        allOf=st.lists(inner, min_size=1, max_size=2),
        anyOf=st.lists(inner, min_size=1, max_size=2),
        oneOf=st.lists(inner, min_size=1, max_size=3),
        **{"not": inner, "if": inner, "then": inner, "else": inner},
    ).map(lambda schema: dict(list(schema.items())[:3])),
    max_leaves=6,
)


@settings(max_examples=400)
@given(SCHEMAS, VALUES)
def test_validation_agrees_with_jsonschema(schema, value):
    assert (value_faults(schema, value) == []) == Draft202012Validator(schema).is_valid(value)


HUGE = 10**400


@pytest.mark.parametrize(
    ("schema", "value", "fits"),
    [
        ({"multipleOf": 0.5}, HUGE, True),
        ({"multipleOf": 0.5}, 1e308, True),
        ({"multipleOf": 1e-300}, HUGE, True),
        ({"multipleOf": HUGE}, 1.5, False),
        ({"multipleOf": 0.1}, 0.3, True),
        ({"multipleOf": 0.01}, 4.35, True),
        ({"multipleOf": 0.5}, True, True),
        ({"minimum": 1.5}, HUGE, True),
        ({"maximum": 1e308}, HUGE, False),
        ({"exclusiveMaximum": HUGE}, HUGE, False),
        ({"type": "integer"}, 1e300, True),
        ({"type": "integer"}, 1.5, False),
        ({"type": "integer"}, True, False),
        ({"minLength": HUGE}, "a", False),
        ({"maxLength": HUGE}, "a", True),
        ({"maxLength": 1}, "🚀", True),
        ({"minItems": HUGE}, [1], False),
        ({"contains": True, "minContains": HUGE}, [1], False),
        ({"contains": True, "maxContains": HUGE}, [1], True),
        ({"const": 1}, True, False),
        ({"const": 1}, 1.0, True),
        ({"const": HUGE}, HUGE, True),
        ({"enum": [[0, {"a": False}]]}, [0, {"a": 0}], False),
        ({"enum": [{"a": 1, "b": 2}]}, {"b": 2.0, "a": 1}, True),
        ({"const": "v1"}, 1, False),
        (
            {"uniqueItems": True},
            [0, False, "0", None, [], {}, "", [0], [False], {"a": 0}, {"a": False}],
            True,
        ),
        ({"uniqueItems": True}, [{"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}], False),
        ({"uniqueItems": True}, ["1,2", [1, 2], ["1,2"], "[1,2"], True),
        ({"if": {"type": "string"}, "else": {"minimum": 2}}, 1, False),
        ({"if": {"type": "string"}, "then": False}, 1, True),
        ({"not": {}}, 1, False),
        (False, 1, False),
    ],
    ids=lambda each: str(each)[:60],
)
def test_numbers_of_any_size_and_equality_by_type(schema, value, fits):
    faults = value_faults({"allOf": [schema]}, value)
    assert (faults == []) is fits
    assert all(len(message) <= 300 for _, message in faults)


RUBBISH = [
    "",
    " ",
    "(((",
    "-",
    ":",
    "/",
    "~",
    "@",
    "a@",
    "@a",
    "🚀",
    "\ud800",
    "\x00",
    "P",
    "PT",
    "T",
    "9" * 10_000,
    "xn--" * 500,
    "a.b" * 5_000,
]
SOUND = {
    "date": (["2024-02-29"], ["2023-02-29", "2024-2-9", "20240229", "٢٠٢٤-٠٢-٢٩", "2024-02-29T"]),
    "date-time": (["2024-02-29T23:59:60Z", "2024-02-29t01:02:03.5+05:30"], ["2024-02-29", "2024-02-30T00:00:00Z", "2024-02-29T24:00:00Z", "2024-02-29T00:00:00"]),
    "time": (["01:02:03Z"], ["01:02", "25:00:00Z", "01:02:03"]),
    "duration": (["P1Y2M3DT4H5M6S", "P2W", "PT0.5S"], ["1D", "P1S", "P1DT", "P1W2D"]),
    "email": (["a.b+c@example.com"], ["a b@example.com", "a@b@c", ".a@b.c", "a..b@c.d"]),
    "hostname": (["example.com", "a"], ["-a.com", "a..b", "a_b"]),
    "ipv4": (["10.0.0.1"], ["10.0.0.256", "010.0.0.1", "10.1"]),
    "ipv6": (["::1", "2001:db8::"], ["fe80::1%eth0", ":::", "1"]),
    "uuid": (["0190b6c4-0000-7000-8000-00000000000F"], ["0190b6c4000070008000000000000000", "x"]),
    "uri": (["https://example.com/a?b=%20#c", "urn:x"], ["//example.com", "a b:c", "http://[^]", "%zz:"]),
    "uri-reference": (["/a/b", ""], ["a b", "%zz"]),
    "json-pointer": (["", "/a/~0~1/"], ["a", "/~2", "/~"]),
}  # fmt: skip


def test_every_format_is_tried_here():
    assert set(SOUND) == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_formats(name):
    sound, unsound = SOUND[name]
    assert [text for text in sound if value_faults({"format": name}, text)] == []
    assert [text for text in unsound if not value_faults({"format": name}, text)] == []
    for text in RUBBISH:
        value_faults({"format": name}, text)
    assert value_faults({"format": name}, HUGE) == []


def test_unknown_format_is_tolerated_in_published_versions():
    assert value_faults({"format": "regex"}, "(((") == []


# ---------------------------------------------------------------------------------------------- work


def nested(word, depth, innermost=True):
    schema = innermost
    for _ in range(depth):
        schema = {word: [schema, {"type": "null"}] if word.endswith("Of") else schema}
    return schema


def objects(count):
    return [{"a": number, "b": {"c": [number]}} for number in range(count)]


GROWING = {
    "unique objects": lambda n: ({"uniqueItems": True}, objects(n)),
    "unique numbers that hash alike": lambda n: ({"uniqueItems": True}, [k * (2**61 - 1) for k in range(n)]),
    "an enum of objects": lambda n: ({"items": {"enum": objects(n)}}, objects(n)),
    "a constant": lambda n: ({"items": {"const": objects(n)}}, [objects(3)] * n),
    "properties and empty objects": lambda n: (
        {"items": {"properties": {f"p{k}": {"type": "null"} for k in range(n)}}}, [{} for _ in range(n)],
    ),
    "required and empty objects": lambda n: ({"items": {"required": [f"p{k}" for k in range(n)]}}, [{} for _ in range(n)]),
    "unknown members": lambda n: ({"additionalProperties": False}, {f"m{k}": 0 for k in range(n)}),
    "names": lambda n: ({"propertyNames": {"maxLength": 2}}, {f"m{k}": 0 for k in range(n)}),
    "contains": lambda n: ({"contains": {"const": -1}, "items": {"type": "object"}}, objects(n)),
    "alternatives that fail": lambda n: (
        {"items": {"anyOf": [{"required": [f"p{k}" for k in range(n)]}, {"type": "string"}, {"minProperties": 9}]}}, objects(n),
    ),
    "alternatives within alternatives": lambda n: ({"items": nested("anyOf", 10, {"type": "string"})}, list(range(n))),
    "exactly one": lambda n: ({"items": {"oneOf": [{"type": "object"}, {"minProperties": 3}]}}, objects(n)),
    "words without a meaning": lambda n: ({"items": {f"x-{k}": k for k in range(n)}}, list(range(n))),
    "a tuple": lambda n: ({"prefixItems": [{"type": "object"}] * n, "items": False}, objects(n)),
    "texts": lambda n: ({"items": {"format": "uri", "minLength": 2}}, ["a" * 100] * n),
}  # fmt: skip


def steps(schema, value):
    checker = Checker(schema)
    for _ in islice(checker.findings(schema, value), MAX_FAULTS):
        pass
    return checker.steps


@pytest.mark.parametrize("name", GROWING)
def test_twice_as_much_costs_at_most_twice_as_many_steps(name):
    make = GROWING[name]
    once, twice = steps(*make(500)), steps(*make(1_000))
    assert once > 1
    assert twice <= 2 * once + 50


@pytest.mark.parametrize("word", ["anyOf", "oneOf", "allOf", "not", "if", "contains"])
def test_a_schema_may_not_apply_too_many_schemas_to_one_value(word):
    assert list(schema_faults(nested(word, 10))) == []
    (place, message), *_ = schema_faults(nested(word, 32))
    assert "may apply to one value" in message
    assert "allOf, anyOf, contains" in message
    assert place == () or place[0] == word


def test_alternatives_of_different_members_are_not_counted_together():
    member = {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}
    assert list(schema_faults({"type": "object", "properties": {f"p{k}": member for k in range(900)}})) == []


def test_nested_alternatives_are_counted():
    branch = {"items": {"anyOf": [True] * 8}}
    faults = list(schema_faults({"anyOf": [branch] * 8}))
    assert [place for place, _ in faults] == [()]


def test_too_many_steps_is_an_error(monkeypatch):
    monkeypatch.setattr(checking, "MAX_STEPS", 100)
    ((place, message),) = value_faults({"items": {"type": "integer"}}, list(range(1_000)))
    assert place == ()
    assert "steps to validate" in message


def test_a_check_ends_with_its_deadline():
    with use_deadline(Deadline(-1)), pytest.raises(TookTooLong):
        value_faults({"items": {"type": "integer"}}, list(range(20_000)))


def test_number_of_reported_errors_is_bounded():
    assert len(value_faults({"items": {"type": "string"}}, list(range(10_000)))) == MAX_FAULTS


def test_messages_do_not_quote_large_values():
    big = {"a": ["x" * 1_000_000]}
    for schema in (
        {"type": "string"},
        {"const": big},
        {"enum": [big]},
        {"anyOf": [{"type": "null"}, {"type": "string"}]},
        {"not": {}},
    ):
        ((_, message),) = value_faults(schema, ["x" * 1_000_000])
        assert len(message) < 300


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"unevaluatedProperties": False}, "unevaluatedProperties"),
        ({"items": {"$dynamicRef": "#a"}}, "items.$dynamicRef"),
        ({"$defs": {"a": {}}}, "$defs"),
        ({"anyOf": [{}, {"patternProperties": {}}]}, "anyOf.1.patternProperties"),
        ({"properties": {"a": {"dependentSchemas": {}}}}, "properties.a.dependentSchemas"),
        ({"minimun": 1}, "minimun"),
        ({"format": "regex"}, "format"),
        ({"format": ["date"]}, "format"),
        ({"minLength": -1}, "minLength"),
        ({"minLength": 1.5}, "minLength"),
        ({"minLength": True}, "minLength"),
        ({"maxItems": "1"}, "maxItems"),
        ({"multipleOf": 0}, "multipleOf"),
        ({"minimum": "1"}, "minimum"),
        ({"type": []}, "type"),
        ({"type": ["null", "null"]}, "type"),
        ({"required": "a"}, "required"),
        ({"required": ["a", "a"]}, "required"),
        ({"properties": []}, "properties"),
        ({"properties": {"a": 1}}, "properties.a"),
        ({"anyOf": []}, "anyOf"),
        ({"anyOf": {}}, "anyOf"),
        ({"items": 1}, "items"),
        ({"not": None}, "not"),
        ({"enum": 1}, "enum"),
        ({"uniqueItems": 1}, "uniqueItems"),
        ({"properties": {f"p{k}": {} for k in range(1_001)}}, "properties"),
    ],
    ids=lambda each: str(each)[:50],
)
def test_unsupported_keyword_is_refused_at_its_position(schema, place):
    found = [".".join(where) for where, _ in schema_faults(schema)]
    assert found == [place]


def test_integral_floats_are_integers():
    assert list(schema_faults({"minLength": 2.0, "maxLength": HUGE, "x-order": 1})) == []


def test_unused_keywords_of_published_versions_are_tolerated():
    schema = {"order": 1, "format": "color", "properties": {"a": {"widget": "select"}}}
    assert list(schema_faults(schema, published=True)) == []
    assert [place for place, _ in schema_faults({"unevaluatedItems": False, **schema}, published=True)] == [
        ("unevaluatedItems",)
    ]
