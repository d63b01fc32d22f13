"""The attributes of OpenTelemetry's conventions for memory operations, which exported spans have beside ours. Pure.

Query and texts, which these conventions make optional, are left out: traces hold no content.

Source: OpenTelemetry semantic conventions for generative AI (in development), span `gen_ai.memory.client`.
"""

from collections.abc import Mapping
from typing import Any

PROVIDER = "liftos"
SEARCHES = frozenset({"memory.search", "memory.search_many"})
OPERATIONS = {
    **dict.fromkeys(SEARCHES, "search_memory"),
    "memory.store": "create_memory",
    "memory.store_many": "create_memory",
    "memory.store_turns": "create_memory",
    "memory.store_document": "create_memory",
    "memory.revise": "update_memory",
    "memory.supersede": "update_memory",
    "memory.delete": "delete_memory",
}
"""Our operations, and theirs."""
ONE = frozenset({"memory.store", "memory.revise", "memory.supersede"})
"""Operations on one memory."""


def gen_ai_tags(name: str, tags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a span, {} for spans that are no memory operation.

    Args:
        name: of the span.
        tags: its own; `results` of a search are the memories it returned, `count` of a store those it was given.
    """
    operation = OPERATIONS.get(name)
    if operation is None:
        return {}
    found: dict[str, Any] = {"gen_ai.operation.name": operation, "gen_ai.provider.name": PROVIDER}
    if "organisation" in tags:
        found["gen_ai.memory.store.id"] = tags["organisation"]
    count = 1 if name in ONE else tags.get("results" if name in SEARCHES else "count")
    if count is not None:
        found["gen_ai.memory.record.count"] = count
    return found
