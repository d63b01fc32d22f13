"""The text by which a decision is found: the reasons first, then what it was about, chosen and rejected. Pure."""

from collections.abc import Iterator
from typing import Any

MAX_CHARACTERS = 8_000
_FIELDS = ("outputs", "inputs", "alternatives")


def text_of(operation: str, decision_point: str, subject: tuple[str, str], payload: dict[str, Any]) -> str:
    """Return the text of a decision, at most MAX_CHARACTERS.

    Args:
        operation: as recorded.
        decision_point: as recorded.
        subject: kind and id.
        payload: reasoning, inputs, outputs, alternatives.
    """
    parts = [str(payload.get("reasoning", "")), _plain(operation), _plain(decision_point), *subject]
    length = sum(map(len, parts))
    for name in _FIELDS:
        for said in _strings(payload.get(name)):
            if length >= MAX_CHARACTERS:
                break
            parts.append(said)
            length += len(said) + 1
    return "\n".join(part for part in parts if part)[:MAX_CHARACTERS]


def _plain(name: str) -> str:
    return name.replace(".", " ").replace("_", " ")


def _strings(value: Any) -> Iterator[str]:
    """Yield the texts and numbers of a JSON value, each with the name of its field."""
    pending: list[tuple[str, Any]] = [("", value)]
    while pending:
        name, each = pending.pop()
        if isinstance(each, dict):
            pending += reversed([(_plain(str(key)), inner) for key, inner in each.items()])
        elif isinstance(each, list):
            pending += [(name, inner) for inner in reversed(each)]
        elif isinstance(each, str | int | float) and not isinstance(each, bool):
            yield f"{name} {each}".strip()
