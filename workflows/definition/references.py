"""References in a template: `{tag}`, `{steps.search.result.results.0.id}`, `{item.id}`, `{item.metadata["two words"]}`.

A path's parts follow dots if they consist of letters (of any script), digits, - and _; other keys are in brackets, as a JSON string or
in single quotes. Integers index lists, negative ones from the end.

A string that is exactly one reference becomes the value itself, with its type; in a longer string the value is inserted as text.
`{{tag}}` is the literal text `{tag}`. Braces around anything else are literal. Keys of objects are never references.

For an optional parameter that was not given, an object's member that is exactly that reference is left out; elsewhere it is null, and
in text empty. A skipped step's result is null, and so is every path into it.
"""

import json
import re
from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from workflows.definition.sizes import json_bytes, text_bytes
from workflows.definition.types import Json, TooLarge, Unresolvable

STEPS, ITEM = "steps", "item"
MAX_DIGITS = 20
RESERVED = frozenset({STEPS, ITEM})

_HEAD = r"[A-Za-z_][A-Za-z0-9_-]*"
_ESCAPE = r"\\(?:[\\/bfnrt{quote}]|u[0-9A-Fa-f]{{4}})"
_QUOTED = "|".join(
    rf"\[{quote}(?:[^{quote}\\]|{_ESCAPE.format(quote=quote)})*{quote}\]" for quote in ('"', "'")
)
_PART = rf"\.[\w-]+|\[-?[0-9]+\]|{_QUOTED}"
_PATH = rf"{_HEAD}(?:{_PART})*"
_REFERENCE = re.compile(rf"\{{\{{({_PATH})\}}\}}|\{{({_PATH})\}}", re.DOTALL)
_PATH_ONLY = re.compile(_PATH, re.DOTALL)
_PARTS = re.compile(_PART, re.DOTALL)
_IN_SINGLE = re.compile(r"\\.|\"", re.DOTALL)
_AS_JSON = {"\\'": "'", '"': '\\"'}
_INDEX = re.compile(r"-?[0-9]+")
# possibly meant as a reference: single braces, a known first name, then a path, blanks or nothing
_BRACES = re.compile(r"(?<!\{)\{([^{}]*)\}(?!\})")
_BEGINNING = re.compile(rf"\s*({_HEAD})\s*(?:[.\[]|$)")


class _Absent:
    """A parameter that was not given."""


_ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed reference.

    Attributes:
        kind: "parameter", "step", "item", or "unknown" for a `{steps…}` that names no result.
        name: the parameter's or step's name; "item" for the item.
        path: keys of objects and indexes of lists, negative from the end.
        text: as written, without braces.
    """

    kind: str
    name: str
    path: tuple[str, ...]
    text: str


def read_reference(text: str) -> Reference:
    """Parse a reference's text, without braces."""
    parts = _PARTS.findall(text)
    head, rest = text[: len(text) - sum(map(len, parts))], [_key(part) for part in parts]
    if head == ITEM:
        return Reference("item", ITEM, tuple(rest), text)
    if head != STEPS:
        return Reference("parameter", head, tuple(rest), text)
    if len(rest) < 2 or rest[1] != "result":
        return Reference("unknown", STEPS, tuple(rest), text)
    return Reference("step", rest[0], tuple(rest[2:]), text)


def _key(part: str) -> str:
    """Return the key in one part of a path."""
    if part[0] == ".":
        return part[1:]
    inner = part[1:-1]
    if inner[0] == "'":
        # convert to JSON: escape double quotes, unescape single ones
        inner = _IN_SINGLE.sub(lambda found: _AS_JSON.get(found[0], found[0]), inner[1:-1])
        inner = f'"{inner}"'
    return str(json.loads(inner, strict=False)) if inner[0] == '"' else inner


def lookalikes(
    value: Json, heads: Container[str], at: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield texts that look like a reference but are not one, with their paths.

    Args:
        value: JSON of a template.
        heads: names that references may start with besides `steps` and `item`: the declared parameters.
        at: path of the value.
    """
    if isinstance(value, str):
        for match in _BRACES.finditer(_REFERENCE.sub(" ", value)):
            begins = _BEGINNING.match(match[1])
            if begins and (begins[1] in RESERVED or begins[1] in heads):
                yield at, match[0]
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from lookalikes(member, heads, (*at, str(key)))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from lookalikes(member, heads, (*at, str(number)))


def path_of(text: str) -> str | None:
    """Return the path of a condition's key, with or without braces; None if it is not a path."""
    bare = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    return bare if _PATH_ONLY.fullmatch(bare) else None


def whole(value: Json) -> Reference | None:
    """Return a value's reference if it is exactly one, else None."""
    if not isinstance(value, str) or not value.startswith("{"):
        return None
    match = _REFERENCE.fullmatch(value)
    return read_reference(match[2]) if match and match[2] else None


def references(value: Json, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Reference]]:
    """Yield every reference in a value, with its path."""
    if isinstance(value, str):
        for match in _REFERENCE.finditer(value):
            if match[2]:
                yield at, read_reference(match[2])
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from references(member, (*at, str(key)))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from references(member, (*at, str(number)))


def resolve(
    value: Json,
    *,
    parameters: Mapping[str, Json],
    results: Mapping[str, Json],
    item: Json = None,
    most: int | None = None,
) -> Json:
    """Return a value with all references resolved.

    Args:
        value: JSON of a template.
        parameters: of the run, as returned by `bind_parameters`.
        results: of ended steps, by name; missing ones count as null.
        item: of a mapped step.
        most: maximum size of the returned value, bytes of JSON; checked before texts are joined.

    Returns:
        JSON, which may share parts with `parameters` and `results`; neither is changed.

    Raises:
        Unresolvable: a path does not exist; the message names the reference.
        TooLarge: the value would be larger than `most`.
    """
    return Resolver(parameters, results, item, most=most).resolve(value)


class Resolver:
    """Resolves references and limits the total size of the returned values.

    Attributes:
        bytes: size of all values returned so far, as JSON.
    """

    def __init__(
        self,
        parameters: Mapping[str, Json],
        results: Mapping[str, Json],
        item: Json = None,
        *,
        most: int | None = None,
    ) -> None:
        """Create a resolver. See `resolve`."""
        self.bytes = 0
        self._most = most
        self._parameters, self._results, self._item = parameters, results, item
        # each reference's value and text with their sizes, computed once
        self._values: dict[str, tuple[Json, int]] = {}
        self._texts: dict[str, tuple[str, int]] = {}

    def resolve(self, value: Json) -> Json:
        """Return a value with all references resolved. See `resolve`."""
        resolved = self._of(value)
        return None if resolved is _ABSENT else resolved

    def look_up(self, reference: Reference) -> Json:
        """Return a reference's value, or null if it does not exist. Its size is not counted."""
        try:
            found = self._found(reference)
        except Unresolvable:
            return None
        return None if found is _ABSENT else found

    def _of(self, value: Json) -> Json:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return self._object(value)
        if isinstance(value, list):
            self._count(2 + 2 * max(len(value) - 1, 0))
            return [self._member(each) for each in value]
        self._count(json_bytes(value))
        return value

    def _object(self, value: dict[str, Json]) -> dict[str, Json]:
        resolved: dict[str, Json] = {}
        self._count(2)
        for key, each in value.items():
            member = self._of(each)
            if member is not _ABSENT:
                # the quoted name, a colon and a space, and the separator
                self._count(text_bytes(key) + (6 if resolved else 4))
                resolved[key] = member
        return resolved

    def _member(self, value: Json) -> Json:
        member = self._of(value)
        if member is not _ABSENT:
            return member
        self._count(4)
        return None

    def _text(self, value: str) -> Json:
        if "{" not in value:
            self._count(2 + text_bytes(value))
            return value
        match = _REFERENCE.fullmatch(value)
        if match and match[2]:
            return self._whole(match[2])
        self._count(2)
        parts, end = [], 0
        for match in _REFERENCE.finditer(value):
            parts += [self._literal(value[end : match.start()]), self._quoted(match)]
            end = match.end()
        parts.append(self._literal(value[end:]))
        return "".join(parts)

    def _whole(self, text: str) -> Json:
        if text not in self._values:
            found = self._found(read_reference(text))
            self._values[text] = found, 0 if found is _ABSENT else json_bytes(found)
        found, size = self._values[text]
        self._count(size)
        return found

    def _literal(self, text: str) -> str:
        self._count(text_bytes(text))
        return text

    def _quoted(self, match: re.Match[str]) -> str:
        if match[1]:
            return self._literal(f"{{{match[1]}}}")
        if match[2] not in self._texts:
            text = _as_text(self._found(read_reference(match[2])))
            self._texts[match[2]] = text, text_bytes(text)
        text, size = self._texts[match[2]]
        self._count(size)
        return text

    def _count(self, size: int) -> None:
        self.bytes += size
        if self._most is not None and self.bytes > self._most:
            raise TooLarge(f"With references resolved it exceeds {self._most} bytes.")

    def _found(self, reference: Reference) -> Json:
        if reference.kind == "parameter":
            found = self._parameters.get(reference.name, _ABSENT)
        elif reference.kind == "step":
            found = self._results.get(reference.name)
        elif reference.kind == "item":
            found = self._item
        else:
            raise Unresolvable(f"{{{reference.text}}} is not a step's result.")
        # every path into a missing parameter or a skipped step's result has the same value
        if found is None or found is _ABSENT:
            return found
        for part in reference.path:
            found = _member(found, part, reference)
        return found


def _member(value: Json, part: str, reference: Reference) -> Json:
    if isinstance(value, dict) and part in value:
        return value[part]
    if isinstance(value, list) and _INDEX.fullmatch(part) and len(part) < MAX_DIGITS:
        with suppress(IndexError):
            return value[int(part)]
    raise Unresolvable(f"{{{reference.text}}} can't be resolved: there is no {part!r}.")


def _as_text(value: Json) -> str:
    if value is None or value is _ABSENT:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
