"""The requests behind both clients' methods. `tests/clients/test_python_client.py` compares each with `/openapi.json`."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar
from urllib.parse import quote
from uuid import uuid4

from liftos_client.models import (
    Decision,
    Hits,
    LineResult,
    Link,
    Memory,
    Prompt,
    Recorded,
    Revised,
    Run,
    Stored,
)

T = TypeVar("T")

# lines of a bulk request; each is one of several that a long stream becomes
BULK_LINES = 1_000
BULK_BYTES = 8_000_000


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request.

    Attributes:
        method: of HTTP.
        route: as in `/openapi.json`, without `/api/v1/`.
        parse: makes the result of the answer's JSON.
        parts: of the route, by name.
        query: parameters.
        body: JSON, or None.
        lines: JSON lines in place of a body.
        headers: besides the usual ones.
        repeatable: whether a second execution has no further effect.
    """

    method: str
    route: str
    parse: Callable[[Any], T]
    parts: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    lines: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True

    @property
    def path(self) -> str:
        """The path of the request; a route with a leading slash is the whole path."""
        if self.route.startswith("/"):
            return self.route
        return "/api/v1/" + self.route.format_map(
            {name: quote(part, safe="") for name, part in self.parts.items()}
        )

    @property
    def content(self) -> bytes | None:
        """The body as bytes."""
        if self.lines is not None:
            return self.lines
        return None if self.body is None else dump(self.body)


def dump(value: Any) -> bytes:
    """Return JSON; times become ISO 8601."""
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "hex") and hasattr(value, "int"):
        return str(value)  # UUID
    raise TypeError(f"{type(value).__name__} is not JSON")


def _once(key: str | None) -> dict[str, str]:
    return {"Idempotency-Key": key or uuid4().hex}


def remember(content: Any, fields: Mapping[str, Any], key: str | None) -> Call[Stored]:
    """Store a memory."""
    body = {"content": content, **fields}
    return Call("POST", "memories", Stored.of, body=body, headers=_once(key))


def put(source: str, external_id: str, content: Any, fields: Mapping[str, Any]) -> Call[Stored]:
    """Store a memory under its external id, or make it the new version of the one that has it."""
    named = {"source": source, "external_id": external_id}
    return Call("PUT", "memories", Stored.of, query=named, body={"content": content, **fields})


def remember_many(memories: Iterable[Any], key: str | None) -> Call[list[LineResult]]:
    """Store up to 1,000 memories in one transaction."""
    body = {"memories": [_memory(each) for each in memories]}

    def parse(raw: Any) -> list[LineResult]:
        return [_line(each, number) for number, each in enumerate(raw["results"], 1)]

    return Call("POST", "memories/batch", parse, body=body, headers=_once(key))


def bulk(lines: bytes, start: int) -> Call[list[LineResult]]:
    """Store JSON lines; the first is number `start` + 1."""

    def parse(raw: Any) -> list[LineResult]:
        return [_line(each, start + each["line"]) for each in raw["results"]]

    more = {"content-type": "application/x-ndjson", **_once(None)}
    return Call("POST", "memories/bulk", parse, lines=lines, headers=more)


def in_chunks(memories: Iterable[Any]) -> Iterator[tuple[bytes, int]]:
    """Yield memories as JSON lines, as many as one request may hold, and how many came before."""
    lines: list[bytes] = []
    size = before = 0
    for memory in memories:
        line = dump(_memory(memory))
        if lines and (len(lines) >= BULK_LINES or size + len(line) > BULK_BYTES):
            yield b"\n".join(lines), before
            before += len(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line)
    if lines:
        yield b"\n".join(lines), before


def _memory(given: Any) -> Any:
    return {"content": given} if isinstance(given, str) else given


def _line(raw: Mapping[str, Any], number: int) -> LineResult:
    return LineResult(number=number, status=raw["status"], id=raw.get("id"), error=raw.get("error"), raw=raw)


def recall(query: str, fields: Mapping[str, Any]) -> Call[Hits]:
    """Search."""
    return Call("POST", "search", Hits.of, body={"query": query, **fields})


def prompt(query: str, token_budget: int, fields: Mapping[str, Any]) -> Call[Prompt]:
    """Search, for a prompt."""
    body = {"query": query, "format": "prompt", "token_budget": token_budget, **fields}
    return Call("POST", "search", Prompt.of, body=body)


def get(memory: str) -> Call[Memory]:
    """Read a memory."""
    return Call("GET", "memories/{memory}", Memory.of, {"memory": memory})


def get_many(memories: list[str]) -> Call[list[Memory | None]]:
    """Read up to 200 memories; None for each that is not there."""

    def parse(raw: Any) -> list[Memory | None]:
        return [Memory.of(each["memory"]) if each["status"] == 200 else None for each in raw["results"]]

    return Call("POST", "memories/get", parse, body={"ids": memories})


def query(fields: Mapping[str, Any], limit: int, cursor: str | None) -> Call[Any]:
    """Read a page of a list."""
    body = {**fields, "limit": limit} | ({"cursor": cursor} if cursor else {})
    return Call("POST", "memories/query", lambda raw: raw, body=body)


def count(fields: Mapping[str, Any]) -> Call[int]:
    """Count memories."""
    return Call(
        "POST", "memories/query", lambda raw: raw["total"], body={**fields, "limit": 1, "total": True}
    )


def correct(memory: str, changes: Mapping[str, Any], version: int) -> Call[Revised]:
    """Change a memory whose version is known."""
    return Call(
        "PATCH", "memories/{memory}", Revised.of, {"memory": memory}, body=dict(changes),
        headers={"If-Match": f'"{version}"'}, repeatable=False,
    )  # fmt: skip


def forget(memory: str, reason: str) -> Call[str]:
    """Erase a memory; returns the receipt's id."""
    body = {"reason": reason} if reason else None
    parts = {"memory": memory}
    return Call(
        "DELETE", "memories/{memory}", lambda raw: raw["erasure_id"], parts, body=body, repeatable=False
    )


def judge(memory: str, verdict: str, reason: str) -> Call[Revised]:
    """Confirm, contest or reject a memory."""
    return Call(
        "POST",
        "memories/{memory}/" + verdict,
        Revised.of,
        {"memory": memory},
        body={"reason": reason},
        headers=_once(None),
    )


def _nothing(raw: Any) -> None:
    del raw


def link(memory: str, fields: Mapping[str, Any]) -> Call[None]:
    """Link a memory."""
    parts = {"memory": memory}
    return Call("POST", "memories/{memory}/links", _nothing, parts, body=dict(fields), headers=_once(None))


def links(memory: str, direction: str, cursor: str | None) -> Call[Any]:
    """Read a page of a memory's links."""
    asked = {"direction": direction, "limit": 200, **({"cursor": cursor} if cursor else {})}
    return Call("GET", "memories/{memory}/links", lambda raw: raw, {"memory": memory}, query=asked)


def history(memory: str, cursor: str | None) -> Call[Any]:
    """Read a page of a memory's changes."""
    asked = {"limit": 200, **({"cursor": cursor} if cursor else {})}
    return Call("GET", "memories/{memory}/history", lambda raw: raw, {"memory": memory}, query=asked)


def say(thread: str, turns: list[Any], key: str | None) -> Call[list[str]]:
    """Append turns to a conversation; returns their ids."""
    parts = {"thread": thread}
    return Call(
        "POST",
        "conversations/{thread}/turns",
        lambda raw: raw["ids"],
        parts,
        body={"turns": turns},
        headers=_once(key),
    )


def turns(thread: str, cursor: str | None) -> Call[Any]:
    """Read a page of a conversation."""
    asked = {"limit": 200, **({"cursor": cursor} if cursor else {})}
    return Call("GET", "conversations/{thread}/turns", lambda raw: raw, {"thread": thread}, query=asked)


def decide(operation: str, reasoning: str, fields: Mapping[str, Any], key: str | None) -> Call[Recorded]:
    """Put a decision on record."""
    body = {"operation": operation, "reasoning": reasoning, **fields}
    return Call("POST", "decisions", Recorded.of, body=body, headers=_once(key))


def decision(named: str) -> Call[Decision]:
    """Read a decision."""
    return Call("GET", "decisions/{decision}", Decision.of, {"decision": named})


def decisions(fields: Mapping[str, Any], limit: int, cursor: str | None) -> Call[Any]:
    """Read a page of decisions."""
    asked = {**fields, "limit": limit, **({"cursor": cursor} if cursor else {})}
    return Call("GET", "decisions", lambda raw: raw, query=asked)


def start_run(
    template: str,
    parameters: Mapping[str, Any] | None,
    wait: bool | float,
    fields: Mapping[str, Any],
    key: str | None,
) -> Call[Run]:
    """Start a workflow run."""
    body = {"template": template, "parameters": dict(parameters or {}), "wait": wait, **fields}
    return Call("POST", "workflows/runs", Run.of, body=body, headers=_once(key))


def get_run(named: str) -> Call[Run]:
    """Read a workflow run."""
    return Call("GET", "workflows/runs/{run}", Run.of, {"run": named})


def as_link(raw: Mapping[str, Any]) -> Link:
    """Return a link of a page."""
    return Link.of(raw)
