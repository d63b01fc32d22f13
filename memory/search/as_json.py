"""Render hits as JSON-ready values."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from memory.search.types import Answer, Answers, Hit


def native_hit(hit: Hit) -> dict[str, Any]:
    """Render a hit with the explanation of its score."""
    memory = found_memory(hit)
    return {
        "id": memory.pop("id"),
        "content": memory.pop("content"),
        "score": hit.ranked.score,
        "collapsed": hit.ranked.collapsed,
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
        "passage": found_passage(hit),
    } | memory


def found_passage(hit: Hit) -> dict[str, Any] | None:
    """Render the passage of a hit that matches best; None if the memory was deleted or cut anew meanwhile."""
    if not hit.passages:
        return None
    best = hit.passages[0]
    return (
        {"text": best.text, "start": best.start, "end": best.end}
        | ({"page": best.page} if best.page is not None else {})
        | ({"heading": best.heading} if best.heading else {})
    )


def found_memory(hit: Hit) -> dict[str, Any]:
    """Render the memory of a hit."""
    return {
        "id": str(hit.id),
        "content": hit.given_content,
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
        "collapsed": hit.ranked.collapsed,
        "terms": {term.arm: term.value for term in hit.ranked.terms},
        "passage": found_passage(hit),
    }


def verdict(answer: Answer) -> dict[str, Any]:
    """Render whether a search abstains and why, and how many near-doubles its hits stand for."""
    return {
        "abstained": answer.abstain_reason is not None,
        "abstain_reason": answer.abstain_reason,
        "confidence": answer.confidence,
        "collapsed": collapsed_of(answer.hits),
    }


def verdicts(answers: Answers) -> dict[str, Any]:
    """Render the verdicts of a batch, each a list in the order of its queries."""
    return {
        "abstained": [reason is not None for reason in answers.abstain_reasons],
        "abstain_reason": list(answers.abstain_reasons),
        "confidence": list(answers.confidences),
        "collapsed": [collapsed_of(hits) for hits in answers.hits],
    }


def collapsed_of(hits: Iterable[Hit]) -> int:
    """Return how many near-doubles hits stand for."""
    return sum(hit.ranked.collapsed for hit in hits)


def any_cut(hits: Iterable[Hit]) -> dict[str, bool]:
    """Return {"truncated": True} if any hit is truncated, else {}."""
    return {"truncated": True} if any(hit.truncated for hit in hits) else {}
