"""The memory of Google ADK's agents in LiftOS: `LiftosMemoryService` (extra `google-adk`)."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from google.adk.memory.base_memory_service import BaseMemoryService, SearchMemoryResponse
from google.adk.memory.memory_entry import MemoryEntry
from google.genai import types

from liftos_client.clients import AsyncClient
from liftos_client.errors import NotFound
from liftos_client.models import Hit

if TYPE_CHECKING:
    from google.adk.events.event import Event
    from google.adk.sessions.session import Session

TOGETHER = 1_000


class LiftosMemoryService(BaseMemoryService):
    """Words of sessions as memories; each user's of an application are found by themselves.

    An event is stored once, however often its session is added; its session is the memory's thread. Events without text are left out. The application and the user are
    in the metadata: claims, which the key's sight does not depend on.

    Args:
        client: whose key's sight the memories have.
        source: the memories' source.
        limit: memories of a search at most.
        fields: further fields of the memories, such as `visible_to`.
    """

    def __init__(
        self,
        client: AsyncClient,
        *,
        source: str = "google-adk",
        limit: int = 10,
        fields: Mapping[str, Any] | None = None,
    ) -> None:
        """Create the service; nothing is sent."""
        self.client = client
        self.source = source
        self.limit = limit
        self._fields = dict(fields or {})

    async def add_session_to_memory(self, session: "Session") -> None:
        """Store a session's events."""
        await self.add_events_to_memory(
            app_name=session.app_name, user_id=session.user_id, events=session.events, session_id=session.id
        )

    async def add_events_to_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        events: "Sequence[Event]",
        session_id: str | None = None,
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Store events."""
        named = {"app_name": app_name, "user_id": user_id, "session_id": session_id or ""}
        memories = [
            {
                **self._memory(text, named, event.id, event.author, custom_metadata),
                "valid_from": datetime.fromtimestamp(event.timestamp, UTC).isoformat(),
                "thread": _name(app_name, user_id, session_id) if session_id else "",
            }
            for event, text in _spoken(events)
        ]
        await self._store(memories)

    async def add_memory(
        self,
        *,
        app_name: str,
        user_id: str,
        memories: Sequence[MemoryEntry],
        custom_metadata: Mapping[str, object] | None = None,
    ) -> None:
        """Store memories; one with an id is stored once."""
        named = {"app_name": app_name, "user_id": user_id, "session_id": ""}
        made = []
        for each in memories:
            text = _text(each.content)
            if text:
                more = {**each.custom_metadata, **(custom_metadata or {})}
                one = self._memory(text, named, each.id or "", each.author, more)
                made.append(one | ({"valid_from": each.timestamp} if each.timestamp else {}))
        await self._store(made)

    async def search_memory(self, *, app_name: str, user_id: str, query: str) -> SearchMemoryResponse:
        """Return what is remembered of a user, best first."""
        filters = {"app_name": app_name, "user_id": user_id}
        hits = await self.client.recall(query, source=self.source, filters=filters, limit=self.limit)
        return SearchMemoryResponse(memories=[_entry(hit) for hit in hits])

    async def delete_memory(self, *, app_name: str, user_id: str, memory_id: str | None = None) -> None:
        """Erase a memory that a search returned; nothing happens if this user has none of this id."""
        if not memory_id:
            return
        try:
            memory = await self.client.get(memory_id)
            whose = memory.source, memory.metadata.get("app_name"), memory.metadata.get("user_id")
            if whose == (self.source, app_name, user_id):
                await self.client.forget(memory.id, reason="Deleted by the agent's memory service")
        except NotFound:
            return  # it is gone already, or its id is nobody's

    def _memory(
        self,
        text: str,
        named: Mapping[str, str],
        event: str,
        author: str | None,
        more: Mapping[str, object] | None,
    ) -> dict[str, Any]:
        own = {**(more or {}), **named, "author": author or ""}
        key = {"external_id": _name(*named.values(), event)} if event else {}
        return {**self._fields, "content": text, "source": self.source, "metadata": own, **key}

    async def _store(self, memories: Sequence[Mapping[str, Any]]) -> None:
        for start in range(0, len(memories), TOGETHER):
            for each in await self.client.remember_many(memories[start : start + TOGETHER]):
                if not each.stored:
                    raise ValueError(f"A memory can't be stored: {each.error}")


def _name(*parts: str | None) -> str:
    """Return a name that other parts do not have."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _spoken(events: "Sequence[Event]") -> "Iterator[tuple[Event, str]]":
    for event in events:
        text = _text(event.content)
        if text:
            yield event, text


def _text(content: types.Content | None) -> str:
    parts = (content.parts or []) if content else []
    return "\n".join(part.text for part in parts if part.text and part.text.strip())


def _entry(hit: Hit) -> MemoryEntry:
    own = ("app_name", "user_id", "session_id", "author")
    author = hit.metadata.get("author") or None
    return MemoryEntry(
        id=hit.id,
        content=types.Content(
            role="user" if author == "user" else "model", parts=[types.Part(text=str(hit.content))]
        ),
        author=author,
        timestamp=(hit.valid_from or hit.recorded_at).isoformat(),
        custom_metadata={name: value for name, value in hit.metadata.items() if name not in own},
    )
