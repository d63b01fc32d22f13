"""Every kind of text in every argument of every registered function is kept unchanged or refused by name.

Arguments are generated from the functions' schemas, so new functions are covered automatically.
"""

from copy import deepcopy
from itertools import pairwise
from time import monotonic

import pytest

from liftos.kernel.db.jsonb import NotStorable, to_jsonb
from liftos.kernel.errors import LiftosError
from liftos.kernel.functions import Call, list_functions
from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Principal

SOUND = (
    "Launch 🚀",
    "\U0001d518\U0010fffd",
    "e\u0301 \u202eright to left",
    "\ufeff\u2028\uffff",
    "👩‍👩‍👧‍👦 🇩🇪",
    "\\ud83d \\u0000 ' \" \\",
)
HALVES = ("half \ud83d", "\udc00 half", "\ude80\ud83d turned round")
FUNCTIONS = {
    function.key: function
    for function in list_functions()
    if not function.name.startswith(("test.", "bench."))
}
MOST_DEEP = 6


def schema_of(key):
    return FUNCTIONS[key].schema.model_json_schema()


def followed(schema, root):
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def sample(schema, root, depth=0):
    """Return a minimal value for a schema."""
    schema = followed(schema, root)
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return sample(schema[word][0], root, depth)
    if "const" in schema or "enum" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    kind = schema.get("type", "string")
    if kind == "object":
        wanted = schema.get("required", ()) if depth < MOST_DEEP else ()
        return {name: sample(schema["properties"][name], root, depth + 1) for name in wanted}
    if kind == "array":
        return [sample(schema.get("items", {}), root, depth + 1)]
    if kind == "string":
        return {"uuid": str(new_id()), "date-time": "2026-01-02T03:04:05Z"}.get(
            schema.get("format"), "boots and rain"
        )
    return {"integer": 1, "number": 1, "boolean": True, "null": None}[kind]


def places(schema, root, at=(), depth=0):
    """Yield the paths of possible texts in the arguments; for an object's key, the last part is `None`."""
    schema = followed(schema, root)
    if depth > MOST_DEEP:
        return
    for word in ("anyOf", "oneOf", "allOf"):
        for each in schema.get(word, ()):
            yield from places(each, root, at, depth + 1)
    kind = schema.get("type")
    if kind == "object":
        for name, each in schema.get("properties", {}).items():
            yield from places(each, root, (*at, name), depth + 1)
        if schema.get("additionalProperties", at != ()) is not False:
            yield (*at, None)
            yield (*at, "any")
    elif kind == "array":
        yield from places(schema.get("items", {}), root, (*at, 0), depth + 1)
    elif kind == "string" or (
        kind is None and not {"anyOf", "oneOf", "allOf", "const", "enum"} & schema.keys()
    ):
        yield at


def put(arguments, path, text):
    """Return arguments with a text at a path, creating what is missing on the way."""
    made = deepcopy(arguments)
    inner = made
    for part, following in pairwise(path):
        missing = [] if following == 0 else {}
        if isinstance(inner, list):
            inner[:] = inner[:1] or [missing]
        elif not isinstance(inner.get(part), type(missing)):
            inner[part] = missing
        inner = inner[part]
    if path[-1] is None:
        inner[text] = text
    elif isinstance(inner, list):
        inner[:] = [text]
    else:
        inner[path[-1]] = text
    return made


def carried_out(function, call, arguments):
    """Return a function's result as JSON, or None if it refused its arguments by name."""
    try:
        given = function.parse(arguments)
        return to_jsonb(function.call(function.ready(call, given), given))
    except (LiftosError, NotStorable):
        return None


@pytest.fixture
def call(organisation):
    def made(number):
        return Call(
            Principal(organisation, "solo", SYSTEM, frozenset(ALL_SCOPES)), f"k{number}", monotonic() + 30
        )

    return made


def test_there_are_functions_with_texts():
    assert "memory.store@1" in FUNCTIONS
    found = {key: set(places(schema_of(key), schema_of(key))) for key in FUNCTIONS}
    assert ("content",) in found["memory.store@1"]
    assert ("memories", 0, "content") in found["memory.store_many@1"]
    assert ("metadata", None) in found["memory.store@1"]


@pytest.mark.parametrize("key", FUNCTIONS)
def test_any_text_is_kept_or_refused_by_name(call, key):
    function, root = FUNCTIONS[key], schema_of(key)
    base = sample(root, root)
    for number, path in enumerate(dict.fromkeys(places(root, root))):
        for text in SOUND:
            carried_out(function, call(number), put(base, path, text))
        for text in HALVES:
            # no half of a character is ever kept, and none ends in anything but a refusal
            found = carried_out(function, call(number), put(base, path, text))
            assert found is None or not any("\ud800" <= character <= "\udfff" for character in found), (
                path,
                text,
            )
