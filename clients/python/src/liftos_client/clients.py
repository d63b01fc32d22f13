"""`Client` and `AsyncClient`: the same methods, the second's to be awaited."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, Unpack
from urllib.parse import parse_qs, urlsplit

import httpx2

from liftos_client import calls
from liftos_client.calls import Call
from liftos_client.errors import PreconditionFailed, Unreachable, error_of
from liftos_client.events import SILENCE_SECONDS, Reading
from liftos_client.fields import (
    DecisionFields,
    DecisionQuery,
    LinkFields,
    ListFields,
    MemoryChanges,
    MemoryFields,
    PutFields,
    RunFields,
    SearchFields,
)
from liftos_client.models import (
    Decision,
    Event,
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
from liftos_client.retries import Retries, may_repeat

T = TypeVar("T")
PAGE = 200
MOST_CORRECTIONS = 5
# names for what the clients' own method `list` hides
Ids = list[str]
Found = list[Memory | None]
Results = list[LineResult]
Direction = Literal["out", "in", "both"]


class _Base:
    """The part that both clients share: address, key, retries, reading of answers."""

    def __init__(
        self, base_url: str | None, key: str | None, retries: Retries, headers: Mapping[str, str]
    ) -> None:
        self.base_url = (base_url or os.environ.get("LIFTOS_URL") or "http://localhost:8003").rstrip("/")
        self._retries = retries
        token = key or os.environ.get("LIFTOS_API_KEY", "")
        self._headers = {"accept": "application/json", "user-agent": "liftos-client/0.1", **headers}
        if token:
            self._headers["authorization"] = f"Bearer {token}"

    def _arguments(self, call: Call[Any]) -> dict[str, Any]:
        content = call.content
        headers = {"content-type": "application/json"} if content is not None else {}
        query = {name: _parameter(value) for name, value in call.query.items() if value is not None}
        return {
            "method": call.method,
            "url": call.path,
            "params": query or None,
            "content": content,
            "headers": headers | dict(call.headers),
        }

    def _after(self, call: Call[Any], tries: int, outcome: httpx2.Response | Exception) -> float:
        """Return the pause before the next try; raise if there is none."""
        pause: float | None = None
        if isinstance(outcome, httpx2.Response):
            if may_repeat(outcome.status_code, repeatable=call.repeatable):
                pause = self._retries.pause(tries, retry_after=outcome.headers.get("retry-after", ""))
            if pause is None:
                raise error_of(outcome.status_code, _problem(outcome))
            return pause
        if call.repeatable or isinstance(outcome, httpx2.ConnectError | httpx2.ConnectTimeout):
            pause = self._retries.pause(tries)
        if pause is None:
            raise Unreachable(
                0, {"detail": f"{self.base_url} gave no answer: {outcome or type(outcome).__name__}"}
            )
        return pause

    def _again(self, call: Call[Any], reading: Reading, outcome: httpx2.Response | Exception) -> float:
        """Return the pause before a stream is connected again; raise if it is refused, or was never there."""
        reading.failed += 1
        if isinstance(outcome, httpx2.Response):
            for_now = outcome.is_success or may_repeat(outcome.status_code, repeatable=True)
        else:
            for_now = True
        if for_now and reading.was_open:
            return reading.pause()
        return self._after(call, reading.failed, outcome)


def _parameter(value: Any) -> Any:
    if isinstance(value, str | int | float):
        return value
    return calls.dump(value).decode().strip('"')


def _problem(response: httpx2.Response) -> dict[str, Any]:
    try:
        found = response.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _following(page: Mapping[str, Any]) -> str | None:
    """Return the cursor of the next page, which `next` is, or has as a parameter of a URL."""
    following = page["next"]
    if not following or "cursor=" not in following:
        return following or None
    return parse_qs(urlsplit(following).query)["cursor"][0]


class Client(_Base):
    """A client for one key. Use it as a context manager, or `close` it; it may be used from several threads.

    Args:
        base_url: of the service; default: `LIFTOS_URL`, then http://localhost:8003.
        key: the API key; default: `LIFTOS_API_KEY`.
        retries: of requests that failed on the way or were refused for lack of capacity.
        timeout: in seconds, for connecting and for each read.
        headers: to send with every request.
        transport: of httpx, for tests and proxies.
    """

    def __init__(
        self,
        base_url: str | None = None,
        key: str | None = None,
        *,
        retries: Retries = Retries(),  # noqa: B008  immutable
        timeout: float = 60.0,
        headers: Mapping[str, str] | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        super().__init__(base_url, key, retries, headers or {})
        self._http = httpx2.Client(
            base_url=self.base_url, headers=self._headers, timeout=timeout, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def request(
        self, method: str, path: str, *, body: Any = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        """Send a request to any route, such as `spaces` or `/ready`; return its JSON. Only reads are tried again."""
        repeatable = method.upper() in {"GET", "HEAD", "PUT"}
        return self._send(
            Call(method.upper(), path, lambda raw: raw, query=query or {}, body=body, repeatable=repeatable)
        )

    def remember(
        self,
        content: str | dict[str, Any],
        *,
        idempotency_key: str | None = None,
        **fields: Unpack[MemoryFields],
    ) -> Stored:
        """Store a memory; the next recall sees it."""
        return self._send(calls.remember(content, fields, idempotency_key))

    def put(
        self, source: str, external_id: str, content: str | dict[str, Any], **fields: Unpack[PutFields]
    ) -> Stored:
        """Store a memory under its external id, or make it the new version of the one that has it."""
        return self._send(calls.put(source, external_id, content, fields))

    def remember_many(
        self, memories: Iterable[str | Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> Results:
        """Store up to 1,000 memories, texts or dicts, in one transaction; one that is refused does not affect the others."""
        return self._send(calls.remember_many(memories, idempotency_key))

    def bulk(self, memories: Iterable[str | Mapping[str, Any]]) -> Iterator[LineResult]:
        """Store any number of memories, read as they are sent, and yield a result for each in order."""
        for lines, before in calls.in_chunks(memories):
            yield from self._send(calls.bulk(lines, before))

    def recall(self, query: str, **fields: Unpack[SearchFields]) -> Hits:
        """Find memories, best first."""
        return self._send(calls.recall(query, fields))

    def prompt(self, query: str, *, token_budget: int = 2_000, **fields: Unpack[SearchFields]) -> Prompt:
        """Find memories, as text for a prompt with each fenced as data."""
        return self._send(calls.prompt(query, token_budget, fields))

    def get(self, memory: str) -> Memory:
        """Return a memory."""
        return self._send(calls.get(memory))

    def get_many(self, memories: Sequence[str]) -> Found:
        """Return memories in the order of their ids, None for each that is not there."""
        found: Found = []
        for start in range(0, len(memories), PAGE):
            page: Found = self._send(calls.get_many(list(memories[start : start + PAGE])))
            found += page
        return found

    def list(self, **fields: Unpack[ListFields]) -> Iterator[Memory]:
        """Yield memories, newest first, page by page as they are used."""
        return map(Memory.of, self._pages(lambda cursor: calls.query(fields, PAGE, cursor)))

    def count(self, **fields: Unpack[ListFields]) -> int:
        """Return how many memories `list` yields."""
        return self._send(calls.count(fields))

    def correct(
        self, memory: str, *, version: int | None = None, **changes: Unpack[MemoryChanges]
    ) -> Revised:
        """Change a memory; with `version`, only if that is its current one."""
        for _ in range(MOST_CORRECTIONS):
            current = self.get(memory).version if version is None else version
            try:
                return self._send(calls.correct(memory, changes, current))
            except PreconditionFailed as error:
                if version is not None:
                    raise
                last = error
        raise last

    def forget(self, memory: str, *, reason: str = "") -> str:
        """Erase a memory for good; return the receipt's id."""
        return self._send(calls.forget(memory, reason))

    def confirm(self, memory: str, *, reason: str = "") -> Revised:
        """Make a memory active."""
        return self._send(calls.judge(memory, "confirm", reason))

    def contest(self, memory: str, *, reason: str = "") -> Revised:
        """Mark a memory as contested."""
        return self._send(calls.judge(memory, "contest", reason))

    def reject(self, memory: str, *, reason: str = "") -> Revised:
        """Reject a memory and its value."""
        return self._send(calls.judge(memory, "reject", reason))

    def link(self, memory: str, **fields: Unpack[LinkFields]) -> None:
        """Link a memory to another: `kind`, and `target` or `external_id`."""
        self._send(calls.link(memory, fields))

    def links(self, memory: str, *, direction: Direction = "out") -> Iterator[Link]:
        """Yield a memory's links."""
        return map(Link.of, self._pages(lambda cursor: calls.links(memory, direction, cursor)))

    def history(self, memory: str) -> Iterator[dict[str, Any]]:
        """Yield a memory's changes, newest first."""
        return self._pages(lambda cursor: calls.history(memory, cursor))

    def say(self, thread: str, *turns: Mapping[str, Any], idempotency_key: str | None = None) -> Ids:
        """Append turns `{"role", "content", …}` to a conversation, all or none; return their ids."""
        return self._send(calls.say(thread, [*turns], idempotency_key))

    def turns(self, thread: str) -> Iterator[dict[str, Any]]:
        """Yield a conversation's turns in order."""
        return self._pages(lambda cursor: calls.turns(thread, cursor))

    def decide(
        self,
        operation: str,
        reasoning: str,
        *,
        idempotency_key: str | None = None,
        **fields: Unpack[DecisionFields],
    ) -> Recorded:
        """Put a decision on record."""
        return self._send(calls.decide(operation, reasoning, fields, idempotency_key))

    def decision(self, decision: str) -> Decision:
        """Return a decision's record."""
        return self._send(calls.decision(decision))

    def decisions(self, **fields: Unpack[DecisionQuery]) -> Iterator[Decision]:
        """Yield decisions, newest first."""
        return map(Decision.of, self._pages(lambda cursor: calls.decisions(fields, PAGE, cursor)))

    def run(
        self,
        template: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        wait: bool | float = True,
        idempotency_key: str | None = None,
        **fields: Unpack[RunFields],
    ) -> Run:
        """Start a published workflow; with `wait`, true or seconds, return when it has ended or the time is up."""
        return self._send(calls.start_run(template, parameters, wait, fields, idempotency_key))

    def get_run(self, run: str) -> Run:
        """Return a workflow run."""
        return self._send(calls.get_run(run))

    def events(self, *types: str, after: int | None = None) -> Iterator[Event]:
        """Yield events as they happen, without end; an interrupted connection is made again, and nothing is lost or repeated.

        Args:
            types: names of types, or beginnings that end with `*`; all by default.
            after: the sequence number to begin after: 0 for the oldest kept; by default, events from now on.
        """
        reading = Reading(types, after, self._retries)
        while True:
            call = reading.call()
            outcome: httpx2.Response | Exception
            try:
                with self._http.stream(**self._arguments(call), timeout=SILENCE_SECONDS) as answer:
                    outcome = answer
                    if answer.is_success:
                        for line in answer.iter_lines():
                            if event := reading.read(line):
                                yield event
                    else:
                        answer.read()
            except httpx2.TransportError as error:
                outcome = error
            time.sleep(self._again(call, reading, outcome))

    def _pages(self, call: Callable[[str | None], Call[Any]]) -> Iterator[dict[str, Any]]:
        cursor: str | None = None
        while True:
            page = self._send(call(cursor))
            yield from page["results"]
            cursor = _following(page)
            if cursor is None:
                return

    def _send(self, call: Call[T]) -> T:
        arguments, tries = self._arguments(call), 0
        while True:
            tries += 1
            outcome: httpx2.Response | Exception
            try:
                outcome = self._http.request(**arguments)
            except httpx2.TransportError as error:
                outcome = error
            if isinstance(outcome, httpx2.Response) and outcome.is_success:
                return call.parse(outcome.json() if outcome.content else None)
            time.sleep(self._after(call, tries, outcome))


class AsyncClient(_Base):
    """As `Client`, with methods to be awaited; lists are asynchronous iterators."""

    def __init__(
        self,
        base_url: str | None = None,
        key: str | None = None,
        *,
        retries: Retries = Retries(),  # noqa: B008  immutable
        timeout: float = 60.0,
        headers: Mapping[str, str] | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        super().__init__(base_url, key, retries, headers or {})
        self._http = httpx2.AsyncClient(
            base_url=self.base_url, headers=self._headers, timeout=timeout, transport=transport
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def request(
        self, method: str, path: str, *, body: Any = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        """Send a request to any route; return its JSON. Only reads are tried again."""
        repeatable = method.upper() in {"GET", "HEAD", "PUT"}
        return await self._send(
            Call(method.upper(), path, lambda raw: raw, query=query or {}, body=body, repeatable=repeatable)
        )

    async def remember(
        self,
        content: str | dict[str, Any],
        *,
        idempotency_key: str | None = None,
        **fields: Unpack[MemoryFields],
    ) -> Stored:
        """Store a memory; the next recall sees it."""
        return await self._send(calls.remember(content, fields, idempotency_key))

    async def put(
        self, source: str, external_id: str, content: str | dict[str, Any], **fields: Unpack[PutFields]
    ) -> Stored:
        """Store a memory under its external id, or make it the new version of the one that has it."""
        return await self._send(calls.put(source, external_id, content, fields))

    async def remember_many(
        self, memories: Iterable[str | Mapping[str, Any]], *, idempotency_key: str | None = None
    ) -> Results:
        """Store up to 1,000 memories in one transaction."""
        return await self._send(calls.remember_many(memories, idempotency_key))

    async def bulk(self, memories: Iterable[str | Mapping[str, Any]]) -> AsyncIterator[LineResult]:
        """Store any number of memories, and yield a result for each in order."""
        for lines, before in calls.in_chunks(memories):
            for result in await self._send(calls.bulk(lines, before)):
                yield result

    async def recall(self, query: str, **fields: Unpack[SearchFields]) -> Hits:
        """Find memories, best first."""
        return await self._send(calls.recall(query, fields))

    async def prompt(
        self, query: str, *, token_budget: int = 2_000, **fields: Unpack[SearchFields]
    ) -> Prompt:
        """Find memories, as text for a prompt with each fenced as data."""
        return await self._send(calls.prompt(query, token_budget, fields))

    async def get(self, memory: str) -> Memory:
        """Return a memory."""
        return await self._send(calls.get(memory))

    async def get_many(self, memories: Sequence[str]) -> Found:
        """Return memories in the order of their ids, None for each that is not there."""
        found: Found = []
        for start in range(0, len(memories), PAGE):
            page: Found = await self._send(calls.get_many([*memories[start : start + PAGE]]))
            found += page
        return found

    def list(self, **fields: Unpack[ListFields]) -> AsyncIterator[Memory]:
        """Yield memories, newest first."""
        return self._pages(lambda cursor: calls.query(fields, PAGE, cursor), Memory.of)

    async def count(self, **fields: Unpack[ListFields]) -> int:
        """Return how many memories `list` yields."""
        return await self._send(calls.count(fields))

    async def correct(
        self, memory: str, *, version: int | None = None, **changes: Unpack[MemoryChanges]
    ) -> Revised:
        """Change a memory; with `version`, only if that is its current one."""
        for _ in range(MOST_CORRECTIONS):
            current = (await self.get(memory)).version if version is None else version
            try:
                return await self._send(calls.correct(memory, changes, current))
            except PreconditionFailed as error:
                if version is not None:
                    raise
                last = error
        raise last

    async def forget(self, memory: str, *, reason: str = "") -> str:
        """Erase a memory for good; return the receipt's id."""
        return await self._send(calls.forget(memory, reason))

    async def confirm(self, memory: str, *, reason: str = "") -> Revised:
        """Make a memory active."""
        return await self._send(calls.judge(memory, "confirm", reason))

    async def contest(self, memory: str, *, reason: str = "") -> Revised:
        """Mark a memory as contested."""
        return await self._send(calls.judge(memory, "contest", reason))

    async def reject(self, memory: str, *, reason: str = "") -> Revised:
        """Reject a memory and its value."""
        return await self._send(calls.judge(memory, "reject", reason))

    async def link(self, memory: str, **fields: Unpack[LinkFields]) -> None:
        """Link a memory to another: `kind`, and `target` or `external_id`."""
        await self._send(calls.link(memory, fields))

    def links(self, memory: str, *, direction: Direction = "out") -> AsyncIterator[Link]:
        """Yield a memory's links."""
        return self._pages(lambda cursor: calls.links(memory, direction, cursor), Link.of)

    def history(self, memory: str) -> AsyncIterator[dict[str, Any]]:
        """Yield a memory's changes, newest first."""
        return self._pages(lambda cursor: calls.history(memory, cursor), dict)

    async def say(self, thread: str, *turns: Mapping[str, Any], idempotency_key: str | None = None) -> Ids:
        """Append turns to a conversation, all or none; return their ids."""
        return await self._send(calls.say(thread, [*turns], idempotency_key))

    def turns(self, thread: str) -> AsyncIterator[dict[str, Any]]:
        """Yield a conversation's turns in order."""
        return self._pages(lambda cursor: calls.turns(thread, cursor), dict)

    async def decide(
        self,
        operation: str,
        reasoning: str,
        *,
        idempotency_key: str | None = None,
        **fields: Unpack[DecisionFields],
    ) -> Recorded:
        """Put a decision on record."""
        return await self._send(calls.decide(operation, reasoning, fields, idempotency_key))

    async def decision(self, decision: str) -> Decision:
        """Return a decision's record."""
        return await self._send(calls.decision(decision))

    def decisions(self, **fields: Unpack[DecisionQuery]) -> AsyncIterator[Decision]:
        """Yield decisions, newest first."""
        return self._pages(lambda cursor: calls.decisions(fields, PAGE, cursor), Decision.of)

    async def run(
        self,
        template: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        wait: bool | float = True,
        idempotency_key: str | None = None,
        **fields: Unpack[RunFields],
    ) -> Run:
        """Start a published workflow, and wait for it as told."""
        return await self._send(calls.start_run(template, parameters, wait, fields, idempotency_key))

    async def get_run(self, run: str) -> Run:
        """Return a workflow run."""
        return await self._send(calls.get_run(run))

    async def events(self, *types: str, after: int | None = None) -> AsyncIterator[Event]:
        """Yield events as they happen. See `Client.events`."""
        reading = Reading(types, after, self._retries)
        while True:
            call = reading.call()
            outcome: httpx2.Response | Exception
            try:
                async with self._http.stream(**self._arguments(call), timeout=SILENCE_SECONDS) as answer:
                    outcome = answer
                    if answer.is_success:
                        async for line in answer.aiter_lines():
                            if event := reading.read(line):
                                yield event
                    else:
                        await answer.aread()
            except httpx2.TransportError as error:
                outcome = error
            await asyncio.sleep(self._again(call, reading, outcome))

    async def _pages(
        self, call: Callable[[str | None], Call[Any]], read: Callable[[Any], T]
    ) -> AsyncIterator[T]:
        cursor: str | None = None
        while True:
            page = await self._send(call(cursor))
            for each in page["results"]:
                yield read(each)
            cursor = _following(page)
            if cursor is None:
                return

    async def _send(self, call: Call[T]) -> T:
        arguments, tries = self._arguments(call), 0
        while True:
            tries += 1
            outcome: httpx2.Response | Exception
            try:
                outcome = await self._http.request(**arguments)
            except httpx2.TransportError as error:
                outcome = error
            if isinstance(outcome, httpx2.Response) and outcome.is_success:
                return call.parse(outcome.json() if outcome.content else None)
            await asyncio.sleep(self._after(call, tries, outcome))
