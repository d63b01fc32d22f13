"""NDJSON in, one result a line out."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from liftos.api.parsing import InvalidRequest, item, parse_json, validate
from liftos.embedding import EmbedderUnavailable, get_manager
from liftos.tenancy.types import Actor
from memory.api.schemas import MemoryIn
from memory.operations import remember_many
from memory.types import MemoryDraft, Outcome

# lines in one transaction: large enough to share its cost, small enough to hold its locks briefly
BATCH = 500
MAX_LINES = 200_000
STATUS = {Outcome.STORED: 201, Outcome.UNCHANGED: 200, Outcome.CONFLICT: 409}


def store_lines(*, organisation: UUID, by: Actor, stream: Iterable[bytes]) -> list[dict[str, Any]]:
    """Store a memory for each line of an NDJSON stream; blank lines are skipped.

    Args:
        organisation: whose memories.
        by: who stores them.
        stream: yields lines of bytes; numbering starts at 1 and counts blank ones.

    Returns:
        For each line: line, status (201, 200, 409, 422), id or error, external_id. Past 200,000 lines one more
        result, 413, says where reading ended: what came before is stored.

    Raises:
        InvalidRequest: no line at all.
    """
    dimension, results, batch = _dimension(), [], []
    for number, line in enumerate(stream, start=1):
        if number > MAX_LINES:
            results.append(
                {"line": number, "status": 413, "error": {"detail": f"At most {MAX_LINES} lines."}}
            )
            break
        if not line.strip():
            continue
        try:
            batch.append((number, _draft(line, dimension)))
        except InvalidRequest as error:
            results.append(
                {"line": number, "status": 422, "error": {"detail": error.message, "errors": error.items}}
            )
        if len(batch) >= BATCH:
            results.extend(_store(organisation, by, batch))
            batch = []
    results.extend(_store(organisation, by, batch))
    if not results:
        raise InvalidRequest([item("missing", ("body",), "Field required")])
    return sorted(results, key=lambda result: result["line"])


def _dimension() -> int | None:
    try:
        return get_manager().model.dimension
    except EmbedderUnavailable:
        return None


def _draft(line: bytes, dimension: int | None) -> MemoryDraft:
    draft = validate(MemoryIn, parse_json(line)).draft()
    if draft.embedding is not None and dimension is not None and len(draft.embedding) != dimension:
        message = f"The active embedding model has {dimension} dimensions"
        raise InvalidRequest([item("dimension", ("body", "embedding"), message, len(draft.embedding))])
    return draft


def _store(organisation: UUID, by: Actor, batch: list[tuple[int, MemoryDraft]]) -> list[dict[str, Any]]:
    stored = remember_many(organisation=organisation, by=by, drafts=[draft for _, draft in batch])
    results = []
    for (number, draft), each in zip(batch, stored, strict=True):
        result: dict[str, Any] = {"line": number, "status": STATUS[each.outcome], "id": str(each.id)}
        if draft.external_id:
            result["external_id"] = draft.external_id
        if each.outcome is Outcome.CONFLICT:
            detail = "The external id belongs to a memory with other content."
            result["error"] = {"detail": detail, "code": "memory.external_id_taken"}
        results.append(result)
    return results
