"""Memories as lines of JSON: reading them, and storing them in batches that each lose only their bad lines."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from liftos.api.parsing import InvalidRequest, item, parse_json, validate
from liftos.embedding import EmbedderUnavailable, get_manager
from liftos.errors import LiftosError
from liftos.tenancy.types import Actor
from memory.api.schemas import MemoryIn
from memory.operations import raise_refusal, remember_many
from memory.types import MemoryDraft, Outcome, Stored, TrustState

# lines in one transaction: large enough to share its cost, small enough to hold its locks briefly
BATCH = 500
STATUS = {
    Outcome.STORED: 201,
    Outcome.UNCHANGED: 200,
    Outcome.CONFLICT: 409,
    Outcome.REJECTED: 409,
    Outcome.ERASED: 409,
    Outcome.UNKNOWN_SOURCE: 422,
}


def active_dimension() -> int | None:
    """Return the active model's dimension, None while the embedder is away."""
    try:
        return get_manager().model.dimension
    except EmbedderUnavailable:
        return None


def read_line(line: bytes | str, dimension: int | None) -> MemoryDraft:
    """Return a line as a draft.

    Raises:
        InvalidRequest: naming the fields at fault.
    """
    draft = validate(MemoryIn, parse_json(line)).draft()
    if draft.embedding is not None and dimension is not None and len(draft.embedding) != dimension:
        message = f"The active embedding model has {dimension} dimensions"
        raise InvalidRequest([item("dimension", ("body", "embedding"), message, len(draft.embedding))])
    return draft


def refused_line(number: int, error: InvalidRequest) -> dict[str, Any]:
    """Return the result of a line that can't be read."""
    return {"line": number, "status": 422, "error": {"detail": error.message, "errors": error.items}}


def store_lines_from(
    first: int, lines: Iterable[bytes | str], *, organisation: UUID, by: Actor, trust: TrustState
) -> list[dict[str, Any]]:
    """Store lines, numbered from `first`, in one transaction; return the result of each that is not blank."""
    dimension, results, batch = active_dimension(), [], []
    for number, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        try:
            batch.append((number, read_line(line, dimension)))
        except InvalidRequest as error:
            results.append(refused_line(number, error))
    results += store_batch(organisation, by, batch, trust)
    return sorted(results, key=lambda result: result["line"])


def store_batch(
    organisation: UUID, by: Actor, batch: list[tuple[int, MemoryDraft]], trust: TrustState
) -> list[dict[str, Any]]:
    """Store numbered drafts in one transaction; return the result of each."""
    drafts = [draft for _, draft in batch]
    stored = remember_many(organisation=organisation, by=by, drafts=drafts, trust=trust)
    return [line_result(number, draft, each) for (number, draft), each in zip(batch, stored, strict=True)]


def line_result(number: int, draft: MemoryDraft, stored: Stored) -> dict[str, Any]:
    """Return what became of one line, as a JSON object."""
    result: dict[str, Any] = {"line": number, "status": STATUS[stored.outcome]}
    if stored.outcome not in (Outcome.REJECTED, Outcome.UNKNOWN_SOURCE):
        result["id"] = str(stored.id)
    if draft.external_id:
        result["external_id"] = draft.external_id
    try:
        raise_refusal(stored)
    except LiftosError as error:
        result["error"] = {"detail": error.message, "code": error.code} | getattr(error, "extensions", {})
    return result
