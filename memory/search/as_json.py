"""Render hits as JSON-ready values."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from memory.search.types import Hit


def native_hit(hit: Hit) -> dict[str, Any]:
    """Render a hit with the explanation of its score."""
    memory = found_memory(hit)
    return {
        "id": memory.pop("id"),
        "content": memory.pop("content"),
        "score": hit.ranked.score,
        "terms": {term.arm: term.value for term in hit.ranked.terms},
        "explanation": [term._asdict() | {"value": term.value} for term in hit.ranked.terms],
        "path": [
            {
                "kind": step.kind,
                "source": str(UUID(bytes=step.source)) if step.source else None,
                "forward": step.forward,
                "name": step.name,
            }
            for step in hit.ranked.path
        ],
    } | memory


def found_memory(hit: Hit) -> dict[str, Any]:
    """Render the memory of a hit."""
    return {
        "id": str(hit.id),
        "content": hit.content,
        "metadata": hit.metadata,
        "memory_type": hit.memory_type,
        "source": hit.source,
        "external_id": hit.external_id or None,
        "tags": hit.tags,
        "recorded_at": hit.recorded_at.isoformat(),
        "state": hit.state,
        "version": hit.version,
        "valid_from": hit.valid_from.isoformat() if hit.valid_from else None,
        "valid_to": hit.valid_to.isoformat() if hit.valid_to else None,
    } | any_cut([hit])


def scored_id(hit: Hit) -> dict[str, Any]:
    """Render a hit of a batch."""
    return {
        "id": str(hit.id),
        "score": hit.ranked.score,
        "terms": {term.arm: term.value for term in hit.ranked.terms},
    }


def any_cut(hits: Iterable[Hit]) -> dict[str, bool]:
    """Return {"truncated": True} if any hit is truncated, else {}."""
    return {"truncated": True} if any(hit.truncated for hit in hits) else {}
