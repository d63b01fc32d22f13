"""Parsing of request bodies: strict JSON, then a pydantic model; errors are 422 items as in the contract.

The contract uses pydantic's error types and messages (`missing`, `string_type`, `int_parsing`, …), because the old service
was written with it.
"""

import json
import math
import re
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest
from pydantic import BaseModel, ValidationError

from liftos.kernel.db.jsonb import to_jsonb
from liftos.kernel.errors import LiftosError
from liftos.kernel.http.strict import MAX_SUGGESTED, name_unknown
from liftos.kernel.suggestions import suggestion

MAX_DEPTH = 64
# matches at every quote, closed or not, without backtracking: linear time
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\Z)?', re.DOTALL)
_WORDS = re.compile(r"'([^']*)'")
_CONSTANT = re.compile(r"NaN|Infinity")
_HUGE = re.compile(r"[eE]\+?[0-9]{3}|[0-9]{300}")
# set in the WSGI environment if a large body was not read because its sender is not authenticated
WITHHELD = "liftos.body_withheld"
Model = TypeVar("Model", bound=BaseModel)


class InvalidRequest(LiftosError):
    """The request body is not valid."""

    status = 422

    def __init__(self, items: list[dict[str, Any]]) -> None:
        """Create an error from 422 items, each with type, loc, msg and input."""
        self.items = items
        first = items[0]
        where = ".".join(str(part) for part in first["loc"])
        super().__init__(f"{where}: {first['msg']}", loc=tuple(first["loc"]))


def item(kind: str, loc: tuple[str | int, ...], msg: str, value: Any = None, **ctx: Any) -> dict[str, Any]:
    """Return one 422 item in the contract's form."""
    entry: dict[str, Any] = {"type": kind, "loc": list(loc), "msg": msg, "input": value}
    return entry | {"ctx": ctx} if ctx else entry


def read_json(request: HttpRequest, *, most: int | None = None) -> Any:
    """Return the parsed JSON body; None for an empty body, text for other content types.

    Args:
        request: the request.
        most: how many values it may have, of a batch, whose NaN are named by their place; None for LIFTOS_MAX_JSON_VALUES.

    Raises:
        InvalidRequest: not JSON, nested deeper than 64, too many values, NaN or Infinity, or a NUL character.
    """
    raw = request.body
    if not raw:
        return None
    media_type = (request.content_type or "application/json").lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        return raw.decode("utf-8", "replace")
    return parse_json(raw, most=most)


def parse_json(raw: bytes | str, *, loc: tuple[str | int, ...] = ("body",), most: int | None = None) -> Any:
    """Parse strict JSON. See `read_json`."""
    try:
        text = raw.decode("utf-8-sig") if isinstance(raw, bytes) else raw
        _check_size(text, loc, settings.LIFTOS_MAX_JSON_VALUES if most is None else most)
        # of a batch, the place of a NaN is told
        value = json.loads(text, parse_constant=_refuse_constant if most is None else float)
    except json.JSONDecodeError as error:
        raise _not_json(loc, error.pos, error.msg) from error
    except UnicodeDecodeError as error:
        raise _not_json(loc, error.start, "The body is not UTF-8") from error
    except RecursionError as error:
        raise _not_json(loc, 0, "Nested too deeply") from error
    except ValueError as error:  # NaN, Infinity, or an integer of more digits than Python reads
        raise _not_json(loc, 0, "A number that can't be represented") from error
    if _is_suspect(text) or (most is not None and _CONSTANT.search(text) is not None):
        _check(value, loc, 0)
    return value


def check_storable(value: Any, *, loc: tuple[str | int, ...]) -> None:
    """Check that Postgres can store a value passed by Python code: no NUL, lone surrogate or infinity.

    Raises:
        InvalidRequest: it can't; the item names the place.
    """
    try:
        to_jsonb(value)
    except TypeError:
        return  # not JSON; left to the model's validation
    except (ValueError, RecursionError):
        _check(value, loc, 0)


def validate(model: type[Model], value: Any, *, loc: tuple[str | int, ...] = ("body",)) -> Model:
    """Return parsed JSON as a model.

    Raises:
        InvalidRequest: with one item per invalid field.
    """
    if value is None:
        raise InvalidRequest([item("missing", loc, "Field required")])
    try:
        # with from_attributes, pydantic's error for a non-object body is the contract's: model_attributes_type
        return model.model_validate(value, from_attributes=True)
    except ValidationError as error:
        raise InvalidRequest(name_unknown(model, value, items_of(error, loc), len(loc))) from error


def items_of(error: ValidationError, loc: tuple[str | int, ...]) -> list[dict[str, Any]]:
    """Return pydantic's errors as 422 items below `loc`; invalid enum values get a suggestion."""
    items: list[dict[str, Any]] = []
    for found in error.errors(include_url=False):
        ctx = {
            key: value if isinstance(value, int | float | str) else str(value)
            for key, value in found.get("ctx", {}).items()
        }
        msg = found["msg"]
        if found["type"] in ("enum", "literal_error") and len(items) < MAX_SUGGESTED:
            msg += _meant(found["input"], str(ctx["expected"]))
        items.append(item(found["type"], (*loc, *found["loc"]), msg, found["input"], **ctx))
    return items


def _meant(value: Any, expected: str) -> str:
    """Return a suggestion of the expected word most similar to a value, or "".

    Args:
        value: as sent.
        expected: pydantic's list of words in single quotes.
    """
    return suggestion(value, _WORDS.findall(expected)) if isinstance(value, str) else ""


def _check_size(text: str, loc: tuple[str | int, ...], most: int) -> None:
    """Reject documents with too many values before parsing: each value takes about a hundred times its two bytes."""
    if _separators(text) > most and _separators(_STRING.sub("", text)) > most:
        raise InvalidRequest([item("too_many_values", loc, f"At most {most} values in one document")])


def _separators(text: str) -> int:
    return text.count(",") + text.count("[") + text.count("{")


def _is_suspect(text: str) -> bool:
    """Return whether `_check` could find an error; the text of most documents rules that out.

    NUL and lone surrogates can only come from escapes, infinity only from a three-digit exponent or hundreds of digits.
    """
    return "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH or _HUGE.search(text) is not None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _not_json(loc: tuple[str | int, ...], position: int, message: str) -> InvalidRequest:
    return InvalidRequest([item("json_invalid", (*loc, position), "JSON decode error", {}, error=message)])


def _check(value: Any, loc: tuple[str | int, ...], depth: int) -> None:
    """Reject valid JSON that Postgres can't store: NUL, lone surrogates, infinite numbers, deep nesting."""
    if isinstance(value, str):
        _check_text(value, loc)
    elif isinstance(value, float) and not math.isfinite(value):
        raise InvalidRequest([item("finite_number", loc, "Input should be a finite number", str(value))])
    elif isinstance(value, dict | list):
        if depth >= MAX_DEPTH:
            raise InvalidRequest([item("too_deep", loc[:4], f"Nested deeper than {MAX_DEPTH} levels")])
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, entry in pairs:
            if isinstance(key, str):
                _check_text(key, loc)
            _check(entry, (*loc, key), depth + 1)


def _check_text(text: str, loc: tuple[str | int, ...]) -> None:
    if "\x00" in text:
        raise InvalidRequest(
            [item("string_nul", loc, "Input should not contain a NUL character", text[:200])]
        )
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        message = "Input should be a valid string, unable to parse raw data as a unicode string"
        raise InvalidRequest([item("string_unicode", loc, message, text[:200])])
