"""Parse memories from lines of JSON, and store them in batches; invalid lines do not affect the others."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from uuid import UUID

import numpy as np

from liftos.kernel.errors import LiftosError
from liftos.kernel.http.parsing import InvalidRequest, item, parse_json, validate
from liftos.kernel.precedence import giving_way
from liftos.kernel.tenancy.types import Actor
from memory.errors import NoLongerAllowed
from memory.index.given_vectors import GivenVectors
from memory.index.writes import Row
from memory.inputs import LineIn
from memory.operations import Prepared, commit_many, raise_refusal, read_drafts
from memory.policy_types import Secrets
from memory.secrets.screening import screen_json
from memory.types import MemoryDraft, Outcome, Screened, Stored, TrustState

# lines per transaction: enough to share its cost, few enough to hold locks briefly
BATCH = 500
# of one request; a multiple of BATCH
MAX_LINES = 200_000
STATUS = {
    Outcome.STORED: 201,
    Outcome.UNCHANGED: 200,
    Outcome.CONFLICT: 409,
    Outcome.REJECTED: 409,
    Outcome.ERASED: 409,
    Outcome.ID_TAKEN: 409,
    Outcome.UNKNOWN_SOURCE: 422,
    Outcome.NOT_VISIBLE: 422,
    Outcome.SECRET: 422,
    Outcome.OVER_QUOTA: 429,
}

WITHOUT_ID = (
    Outcome.REJECTED,
    Outcome.UNKNOWN_SOURCE,
    Outcome.NOT_VISIBLE,
    Outcome.SECRET,
    Outcome.OVER_QUOTA,
)
"""Outcomes of memories that are not there."""
WITHOUT = (Secrets.REDACT, Secrets.REFUSE)
"""Policies under which nothing is kept that has a secret."""

Line = TypeVar("Line")


def batches(lines: Iterable[Line], size: int) -> Iterator[tuple[int, list[Line]]]:
    """Yield lines in batches of a size, each with the number of its first line, from 1."""
    first, batch = 1, []
    for number, line in enumerate(lines, start=1):
        batch.append(line)
        if len(batch) == size:
            yield first, batch
            first, batch = number + 1, []
    if batch:
        yield first, batch


def read_line(line: bytes | str, given: GivenVectors | None) -> MemoryDraft:
    """Parse a line as a draft.

    Args:
        line: JSON.
        given: the vectors that the organisation takes; None to leave that to the store.

    Raises:
        InvalidRequest: with the invalid fields.
    """
    draft = validate(LineIn, parse_json(line)).draft()
    check_vector(draft, given)
    return draft


def check_vector(draft: MemoryDraft, given: GivenVectors | None) -> None:
    """Check a draft's own vector.

    Raises:
        InvalidRequest: the organisation does not take it.
    """
    refusal = given.refusal(draft.embedding, draft.embedding_model) if given else None
    if refusal is not None:
        value = (
            draft.embedding_model
            if refusal.field == "embedding_model"
            else np.size(np.asarray(draft.embedding))
        )
        raise InvalidRequest([item(refusal.code, ("body", refusal.field), refusal.message, value)])


def refused_line(number: int, error: InvalidRequest, secrets: Secrets = Secrets.ALLOW) -> dict[str, Any]:
    """Return the result of an invalid line.

    Args:
        number: the line's.
        error: its invalid fields.
        secrets: the organisation's policy; unless it allows or flags secrets, the result quotes none.
    """
    items = error.items if secrets not in WITHOUT else screen_json(error.items)[0]
    return {"line": number, "status": 422, "error": {"detail": error.message, "errors": items}}


def refused_lines(first: int, lines: Iterable[bytes | str]) -> list[dict[str, Any]]:
    """Return the results of lines, numbered from `first`, whose actor may no longer store memories."""
    error = {"detail": NoLongerAllowed().message, "code": NoLongerAllowed.code}
    return [
        {"line": number, "status": NoLongerAllowed.status, "error": error}
        for number, line in enumerate(lines, start=first)
        if line.strip()
    ]


@dataclass(frozen=True, slots=True)
class Batch:
    """Parsed lines: the results of invalid ones, and the numbers and rows of the others."""

    refused: list[dict[str, Any]]
    numbers: list[int]
    rows: list[Row]


def read_lines(
    first: int,
    lines: Iterable[bytes | str],
    *,
    organisation: UUID,
    given: GivenVectors | None,
    trust: TrustState,
    secrets: Secrets,
    screened: Mapping[int, Screened] | None = None,
) -> Batch:
    """Parse lines, numbered from `first`, without blank ones; needs no database.

    Args:
        first: the first line's number.
        lines: JSON.
        organisation: the tenant.
        given: the vectors that the organisation takes (`given_vectors`).
        trust: the highest trust state the caller may store.
        secrets: the organisation's policy for secrets.
        screened: what was found in lines, by number, before they were queued without it.
    """
    refused, numbers, drafts = [], [], []
    for number, line in enumerate(giving_way(lines), start=first):
        if not line.strip():
            continue
        try:
            drafts.append(read_line(line, given))
        except InvalidRequest as error:
            refused.append(refused_line(number, error, secrets))
        else:
            numbers.append(number)
    rows = read_drafts(organisation, drafts, trust, secrets=secrets)
    if screened:
        rows = [
            replace(row, secrets=screened[number]) if number in screened else row
            for number, row in zip(numbers, rows, strict=True)
        ]
    return Batch(refused, numbers, rows)


def store_batch(
    organisation: UUID,
    by: Actor,
    batch: Batch,
    prepared: Prepared,
    meanwhile: Callable[[], None] | None = None,
) -> list[dict[str, Any]]:
    """Store lines in one transaction; return their results in order.

    Args:
        organisation: the tenant.
        by: the actor.
        batch: the parsed lines.
        prepared: their embedded rows (`memory.operations.embed_rows`).
        meanwhile: see `memory.operations.commit_many`.
    """
    stored = commit_many(organisation=organisation, by=by, prepared=prepared, meanwhile=meanwhile)
    results = batch.refused + [
        line_result(number, row.draft, each)
        for number, row, each in giving_way(zip(batch.numbers, batch.rows, stored, strict=True))
    ]
    return sorted(results, key=lambda result: result["line"])


def line_result(number: int, draft: MemoryDraft, stored: Stored) -> dict[str, Any]:
    """Return a line's result as a JSON object."""
    result: dict[str, Any] = {"line": number, "status": STATUS[stored.outcome]}
    if stored.outcome not in WITHOUT_ID:
        result["id"] = str(stored.id)
    if draft.external_id:
        result["external_id"] = draft.external_id
    result |= stored.mark
    try:
        raise_refusal(stored)
    except LiftosError as error:
        result["error"] = {"detail": error.message, "code": error.code} | getattr(error, "extensions", {})
    return result
