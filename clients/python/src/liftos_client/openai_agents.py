"""A session of the OpenAI Agents SDK in LiftOS (extra `openai-agents`)."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from agents.memory import SessionABC

from liftos_client.clients import AsyncClient
from liftos_client.errors import NotFound
from liftos_client.models import Memory

if TYPE_CHECKING:
    from agents import TResponseInputItem
    from agents.memory import SessionSettings

KIND = "session-item"
TOGETHER = 1_000


class LiftosSession(SessionABC):
    """A conversation's items as memories of one thread, in order; what was said is found by `recall`.

    Sessions of one id are the same for all who see them. Items that are added at the same time by several are in the order in which they arrive.

    Args:
        session_id: the conversation, and the memories' thread.
        client: whose key's sight the items have.
        source: the memories' source, by which applications are apart.
        session_settings: the SDK's, of which `limit` counts.
        fields: further fields of the memories, such as `visible_to` or `ttl_seconds`.
    """

    def __init__(
        self,
        session_id: str,
        client: AsyncClient,
        *,
        source: str = "openai-agents",
        session_settings: "SessionSettings | None" = None,
        fields: dict[str, Any] | None = None,
    ) -> None:
        """Create a session; nothing is sent."""
        self.session_id = session_id
        self.session_settings = session_settings
        self.client = client
        self.source = source
        self._fields = dict(fields or {})
        self._lock = asyncio.Lock()

    async def get_items(self, limit: int | None = None) -> "list[TResponseInputItem]":
        """Return the items, oldest first; with a limit the latest of them."""
        if limit is None and self.session_settings is not None:
            limit = self.session_settings.limit
        if limit is not None and limit <= 0:
            return []
        items: list[Any] = []
        async for memory in self._newest():
            items.append(_item(memory))
            if len(items) == limit:
                break
        return items[::-1]

    async def add_items(self, items: "list[TResponseInputItem]") -> None:
        """Append items, up to a thousand in one transaction."""
        async with self._lock:
            for start in range(0, len(items), TOGETHER):
                memories = [self._memory(item) for item in items[start : start + TOGETHER]]
                results = await self.client.remember_many(memories)
                refused = [each for each in results if not each.stored]
                if refused:
                    # a session with a gap would mislead the agent: take back what is not the whole
                    for each in results:
                        if each.stored and each.id:
                            await self.client.forget(each.id, reason="The rest of its session was refused")
                    raise ValueError(f"An item can't be stored: {refused[0].error}")

    async def pop_item(self) -> "TResponseInputItem | None":
        """Remove and return the latest item; None if there is none."""
        async with self._lock:
            async for memory in self._newest():
                try:
                    await self.client.forget(memory.id, reason="Taken back by the session")
                except NotFound:
                    continue  # somebody else has just taken it
                item: Any = _item(memory)
                return item
        return None

    async def clear_session(self) -> None:
        """Erase all items."""
        async with self._lock:
            named = {"source": self.source, "thread": self.session_id, "memory_type": KIND}
            await self.client.request("DELETE", "/api/v1/memories", query=named)

    def _newest(self) -> AsyncIterator[Memory]:
        return self.client.list(source=self.source, thread=self.session_id, memory_type=KIND)

    def _memory(self, item: Any) -> dict[str, Any]:
        plain = item if isinstance(item, dict) else item.model_dump(exclude_unset=True)
        text = _said(plain)
        metadata = {"item": json.dumps(plain, ensure_ascii=False), "role": str(plain.get("role") or "")}
        own = {
            "content": text or plain,
            "index": bool(text),
            "metadata": metadata | {"type": str(plain.get("type") or "message")},
            "memory_type": KIND,
            "source": self.source,
            "thread": self.session_id,
        }
        return self._fields | own


def _item(memory: Memory) -> Any:
    return json.loads(memory.metadata["item"])


def _said(item: dict[str, Any]) -> str:
    """Return the text of a message; "" of other items, such as calls of tools."""
    content = item.get("content")
    if isinstance(content, str):
        return content.strip() and content
    parts = content if isinstance(content, list) else []
    texts = [each.get("text") for each in parts if isinstance(each, dict)]
    return "\n".join(text for text in texts if isinstance(text, str) and text.strip())
