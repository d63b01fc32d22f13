"""Parsing of one step's fields, by hand, so that each fault has its own message and nothing is coerced."""

import math
import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any, Final

from liftos.kernel.suggestions import unknown
from workflows.definition.conditions import faults_of
from workflows.definition.references import whole
from workflows.definition.types import (
    BACKGROUND,
    CRITICAL,
    MAX_BACKOFF_SECONDS,
    MAX_MAP_ITEMS,
    MAX_MAP_LIMIT,
    MAX_NAME,
    MAX_RETRIES,
    MAX_STEPS,
    MAX_TIMEOUT_SECONDS,
    Fault,
    Step,
)

MAX_UNKNOWN: Final = 50
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)


def is_step_name(value: Any) -> bool:
    """Return whether a value is a valid step name."""
    return isinstance(value, str) and len(value) <= MAX_NAME and _NAME.fullmatch(value) is not None


def _whole_number(least: int, most: int) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if fits else f"It must be a whole number from {least} to {most}."

    return check


def _seconds(most: float, *, zero: bool) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        fits = (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and math.isfinite(value)
            and 0 <= value <= most
        )
        if fits and (zero or value > 0):
            return None
        return f"It must be seconds, {'from' if zero else 'above'} 0, at most {most:g}."

    return check


def _function(value: Any) -> str | None:
    fits = isinstance(value, str) and 0 < len(value) <= 100 and "\x00" not in value
    return None if fits else "It must be the name of a function."


def _dependencies(value: Any) -> str | None:
    if (
        not isinstance(value, list)
        or len(value) > MAX_STEPS
        or not all(isinstance(each, str) for each in value)
    ):
        return "It must be a list of names of steps."
    return None if len(set(value)) == len(value) else "It lists a step twice."


def _map(value: Any) -> str | None:
    if value is None or whole(value) is not None:
        return None
    if not isinstance(value, list):
        return "It must be a list, or exactly one reference to a list."
    return None if len(value) <= MAX_MAP_ITEMS else f"At most {MAX_MAP_ITEMS} items."


_CHECKS: Final[dict[str, Callable[[Any], str | None]]] = {
    "name": lambda value: None if is_step_name(value) else (
        f"It must be 1 to {MAX_NAME} letters (a to z, A to Z), digits, - and _, not starting with a digit or -."
    ),
    "function": _function,
    "version": lambda value: None if value is None else _whole_number(1, 1_000_000)(value),
    "arguments": lambda value: None if isinstance(value, Mapping) else "It must be an object.",
    "depends_on": _dependencies,
    "priority": _whole_number(CRITICAL, BACKGROUND),
    "timeout_seconds": _seconds(MAX_TIMEOUT_SECONDS, zero=False),
    "max_retries": _whole_number(0, MAX_RETRIES),
    "backoff_seconds": _seconds(MAX_BACKOFF_SECONDS, zero=True),
    "when": lambda _: None,
    "map": _map,
    "map_limit": _whole_number(1, MAX_MAP_LIMIT),
    "approval": lambda value: None if isinstance(value, bool) else "It must be true or false.",
}  # fmt: skip
FIELDS: Final = tuple(_CHECKS)


def read_fields(written: Any, number: int) -> tuple[Step | None, list[Fault]]:
    """Return a step and its fields' faults; the step is None if it has no valid name.

    An invalid field has its default in the returned step, so that the rest can be checked.

    Args:
        written: as sent by the caller.
        number: position from 1, for the faults of a step without a name.
    """
    if not isinstance(written, Mapping):
        return None, [Fault(f"#{number}", "", "A step must be an object.")]
    named = is_step_name(written.get("name"))
    label = written["name"] if named else f"#{number}"
    faults = [
        Fault(label, str(key), unknown("field", str(key), FIELDS), unknown=True)
        for key in islice((key for key in written if key not in _CHECKS), MAX_UNKNOWN)
    ]
    values = {}
    for field, check in _CHECKS.items():
        if field not in written:
            if field in ("name", "function"):
                faults.append(Fault(label, field, "It is required."))
        elif (message := check(written[field])) is not None:
            faults.append(Fault(label, field, message))
        else:
            values[field] = written[field]
    wrong = [
        Fault(label, ".".join(place), message) for place, message in faults_of(values.get("when"), ("when",))
    ]
    if wrong:
        faults += wrong
        del values["when"]
    if not named:
        return None, faults
    values.setdefault("function", "")
    # `name@version`, the registry's notation
    name, _, version = values["function"].partition("@")
    if version.isascii() and version.isdecimal() and int(version) and "version" not in values:
        values |= {"function": name, "version": int(version)}
    if "arguments" in values:
        values["arguments"] = dict(values["arguments"])
    values["depends_on"] = tuple(values.get("depends_on", ()))
    for field in ("timeout_seconds", "backoff_seconds"):
        if field in values:
            values[field] = float(values[field])
    return Step(**values), faults
