"""Tools of LiftOS for Pydantic AI's agents: `liftos_toolset` (extra `pydantic-ai`)."""

from collections.abc import Awaitable
from typing import Any, TypeVar

from pydantic_ai import FunctionToolset, ModelRetry

from liftos_client.clients import AsyncClient
from liftos_client.errors import LiftosError

T = TypeVar("T")
# errors of the arguments, which a model can mend; others end the run
_MENDABLE = frozenset({400, 404, 409, 412, 413, 422})


def liftos_toolset(
    client: AsyncClient,
    *,
    writes: bool = True,
    narrow: dict[str, Any] | None = None,
    fields: dict[str, Any] | None = None,
) -> FunctionToolset[Any]:
    """Return the tools `recall`, `remember`, `correct`, `forget` and `record_decision`.

    Args:
        client: whose key's sight the agent has.
        writes: False for `recall` alone.
        narrow: conditions of every recall, such as `{"source": "crm"}`.
        fields: further fields of every memory, such as `visible_to` or `source`.
    """

    async def recall(query: str, token_budget: int = 2_000) -> str:
        """Find what is remembered about something.

        Args:
            query: a question or key words.
            token_budget: how long the answer may be.
        """
        found = await _asked(client.prompt(query, token_budget=token_budget, **(narrow or {})))
        return str(found) if found.memories else "Nothing is remembered about this."

    async def remember(content: str, tags: list[str] | None = None) -> str:
        """Remember a fact for later, also beyond this conversation.

        Args:
            content: the fact, in a sentence that is understood by itself.
            tags: a few words to find it by.
        """
        named = {"tags": tags} if tags else {}
        stored = await _asked(client.remember(content, **{**(fields or {}), **named}))
        return f"Remembered as {stored.id}"

    async def correct(memory_id: str, content: str, reason: str = "") -> str:
        """Change what is remembered; earlier versions are kept.

        Args:
            memory_id: the memory.
            content: its new text.
            reason: why, for the record.
        """
        revised = await _asked(client.correct(memory_id, content=content, reason=reason))
        return f"Corrected; this is version {revised.version}"

    async def forget(memory_id: str, reason: str = "") -> str:
        """Erase a memory for good.

        Args:
            memory_id: the memory.
            reason: why, for the record.
        """
        return f"Erased; the receipt is {await _asked(client.forget(memory_id, reason=reason))}"

    async def record_decision(operation: str, reasoning: str, memories: list[str] | None = None) -> str:
        """Put a decision on record.

        Args:
            operation: what was decided, in a dotted name such as budget.move.
            reasoning: why.
            memories: ids of the memories it is based on.
        """
        made = await _asked(client.decide(operation, reasoning, memories=list(memories or ())))
        return f"Recorded as {made.id}"

    tools: list[Any] = [recall]
    if writes:
        tools += [remember, correct, forget, record_decision]
    return FunctionToolset(tools, id="liftos")


async def _asked(call: Awaitable[T]) -> T:
    """Return a call's result; let the model try again if its arguments were refused."""
    try:
        return await call
    except LiftosError as error:
        if error.status in _MENDABLE:
            raise ModelRetry(str(error)) from error
        raise
