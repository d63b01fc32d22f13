"""Screen what is to be stored: find its secrets and, unless they are only flagged, replace them in every field."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from memory.policy_types import Secrets
from memory.secrets.scanning import find_secrets, moved, redact
from memory.types import LinkDraft, Mark, MemoryDraft, PastVersion, Screened, text_of

_CARD_DIGITS = range(13, 20)
_VECTORS = frozenset({"vector", "embedding"})
IDENTITY = ("source", "external_id", "thread", "memory_type")
"""Fields that other requests name; replacing part of one would mix up memories, so `redact` refuses these."""


@dataclass(slots=True)
class _Search:
    """A search through the fields of one memory; `replaced` are those that change."""

    found: Counter[tuple[str, str]] = field(default_factory=Counter)

    def text(self, text: str, path: str, key: str = "") -> str:
        """Return a text without its secrets, which are noted."""
        secrets = find_secrets(text, key=key)
        if not secrets:
            return text
        self.found.update((path, each.kind) for each in secrets)
        return redact(text, secrets)

    def json(self, value: Any, path: str, key: str = "") -> Any:
        """Return a JSON value without its secrets, in its keys too; the same object if it has none."""
        if isinstance(value, str):
            return self.text(value, path, key)
        if isinstance(value, bool | float) or value is None:
            return value
        if isinstance(value, int):
            return self._number(value, path, key)
        if isinstance(value, dict):
            return self._object(value, path)
        if isinstance(value, list | tuple):
            entries = [self.json(each, path, key) for each in value]
            return value if all(map(_same, entries, value)) else type(value)(entries)
        return value

    def content(
        self, content: str, layout: tuple[Mark, ...], path: str, *, is_object: bool
    ) -> tuple[str, tuple[Mark, ...]]:
        """Return a content without its secrets, and the marks of its pages and sections at their new places."""
        if is_object:
            value = json.loads(content)
            clean = self.json(value, path)
            return (content if clean is value else text_of(clean)), layout
        secrets = find_secrets(content)
        if not secrets:
            return content, layout
        marks = tuple(
            replace(
                mark,
                start=moved(mark.start, secrets),
                heading=self.text(mark.heading, f"{path}.heading"),
            )
            for mark in layout
        )
        return self.text(content, path), marks

    def _number(self, value: int, path: str, key: str) -> Any:
        text = str(value)
        return self._changed(text, value, path, key) if len(text) in _CARD_DIGITS else value

    def _changed(self, text: str, value: int, path: str, key: str) -> Any:
        shown = self.text(text, path, key)
        return value if shown == text else shown

    def _object(self, value: dict[str, Any], path: str) -> dict[str, Any]:
        changed, result = False, {}
        for name, each in value.items():
            shown = self.text(name, path) if isinstance(name, str) else name
            inner = each if name in _VECTORS else self.json(each, f"{path}.{shown}" if path else shown, name)
            changed = changed or shown != name or not _same(inner, each)
            result[shown] = inner
        return result if changed else value


def _same(one: Any, other: Any) -> bool:
    return one is other or (isinstance(one, str) and one == other)


def screen(draft: MemoryDraft, policy: Callable[[], Secrets]) -> tuple[MemoryDraft, Screened | None]:
    """Return a draft as it may be written, and what was found in it, None if nothing was or the policy allows it.

    Without secrets under `redact` and `refuse`, so that nothing after this can keep, embed or record them.

    Args:
        draft: as sent.
        policy: the organisation's; asked only if there are secrets.
    """
    search = _Search()
    identity = {name: getattr(draft, name) for name in IDENTITY}
    for name, text in identity.items():
        identity[name] = search.text(text, name)
    in_identity = bool(search.found)
    content, layout = search.content(draft.content, draft.layout, "content", is_object=draft.is_object)
    clean = replace(
        draft,
        content=content,
        layout=layout,
        metadata=search.json(draft.metadata, "metadata"),
        tags=search.json(draft.tags, "tags"),
        links=tuple(_link(search, link) for link in draft.links),
        past=draft.past
        and replace(
            draft.past,
            history=tuple(
                _version(search, each, f"history.{number}") for number, each in enumerate(draft.past.history)
            ),
        ),
        **identity,
    )
    if not search.found:
        return draft, None
    chosen = policy()
    if chosen is Secrets.ALLOW:
        return draft, None
    if chosen is Secrets.REDACT and in_identity:
        chosen = Secrets.REFUSE
    screened = Screened(str(chosen), dict(search.found))
    return (draft if chosen is Secrets.FLAG else clean), screened


def screen_changes(
    changes: Mapping[str, Any], policy: Callable[[], Secrets]
) -> tuple[Mapping[str, Any], Screened | None]:
    """Return the new values of a memory's fields as they may be written. See `screen`."""
    search, clean = _Search(), dict(changes)
    if "content" in clean:
        clean["content"], clean["layout"] = search.content(
            changes["content"],
            tuple(changes.get("layout", ())),
            "content",
            is_object=changes.get("is_object", False),
        )
    for name in ("metadata", "tags", "memory_type"):
        if name in clean:
            clean[name] = search.json(changes[name], name)
    if not search.found:
        return changes, None
    chosen = policy()
    if chosen is Secrets.ALLOW:
        return changes, None
    screened = Screened(str(chosen), dict(search.found))
    return (changes if chosen is Secrets.FLAG else clean), screened


def screen_json(value: Any) -> tuple[Any, dict[tuple[str, str], int]]:
    """Return a JSON value without secrets, and those found by path and kind."""
    search = _Search()
    return search.json(value, ""), dict(search.found)


def _link(search: _Search, link: LinkDraft) -> LinkDraft:
    return replace(
        link,
        external_id=search.text(link.external_id, "links.external_id"),
        properties=search.json(link.properties, "links.properties"),
    )


def _version(search: _Search, version: PastVersion, path: str) -> PastVersion:
    content, layout = search.content(
        version.content, version.layout, f"{path}.content", is_object=version.is_object
    )
    return replace(
        version,
        content=content,
        layout=layout,
        metadata=search.json(version.metadata, f"{path}.metadata"),
        tags=search.json(version.tags, f"{path}.tags"),
        reason=search.text(version.reason, f"{path}.reason"),
    )
