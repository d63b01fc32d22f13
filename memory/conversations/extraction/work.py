"""Extract candidates from stored turns: by a worker, after the commit, with no transaction open while the model is asked.

Candidates are memories of their own, derived from the turns they rest on. The turns never change.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.conversations.extraction.openai_compatible import OpenAiCompatibleExtractor
from memory.conversations.extraction.statements import (
    FINISH_TURNS,
    LEASE_TURNS,
    LOCK_WAITING,
    READ_TURNS,
    RETURN_TURNS,
)
from memory.conversations.extraction.types import Candidate, Extractor, ExtractorUnavailable, Said
from memory.operations import commit_many, prepare
from memory.types import MemoryDraft, TrustState

BY = Actor(ActorKind.SYSTEM, "extractor")
SOURCE, MEMORY_TYPE = "extractor", "extracted"
AT_ONCE = 20
"""New turns of one request to the model."""
CONTEXT = 6
"""Turns before them that it sees too."""
MAX_ATTEMPTS = 5
LEASE_SECONDS = 300
RETRY_SECONDS = 60
MAX_CHARACTERS = 8_000
"""Of a turn; the model does not see the rest."""


@dataclass(frozen=True, slots=True)
class _Turn:
    number: int
    memory: UUID
    speaker: str
    text: str
    decision: UUID | None


def configured_extractor() -> Extractor | None:
    """Return the extractor of the settings, or None: it is off by default."""
    url = settings.LIFTOS_EXTRACTOR_URL
    if not url:
        return None
    return _extractor(
        url,
        settings.LIFTOS_EXTRACTOR_MODEL,
        settings.LIFTOS_EXTRACTOR_API_KEY,
        settings.LIFTOS_EXTRACTOR_SECONDS,
    )


@cache
def _extractor(url: str, model: str, api_key: str, seconds: float) -> Extractor:
    return OpenAiCompatibleExtractor(url=url, model=model, api_key=api_key, timeout=seconds)


def extract_next(*, organisation: UUID, extractor: Extractor) -> bool:
    """Extract from the next waiting turns of one thread; return whether there were any and the extractor answered."""
    with tenant_transaction(organisation), raw_cursor() as cursor:
        values = {"organisation": organisation, "most": AT_ONCE, "seconds": LEASE_SECONDS}
        leased = cursor.execute(LEASE_TURNS, values).fetchall()
        if not leased:
            return False
        thread, scope = leased[0][:2]
        numbers = sorted(number for _, _, number, _ in leased)
        rows = cursor.execute(
            READ_TURNS, (organisation, thread, scope, numbers[0] - CONTEXT, numbers[-1])
        ).fetchall()
    turns = [_Turn(*row) for row in rows]
    try:
        said = [Said(turn.speaker, turn.text[:MAX_CHARACTERS], turn.number in set(numbers)) for turn in turns]
        with observe_operation("memory.extract", organisation=str(organisation), count=len(numbers)):
            candidates = extractor.extract(said) if any(each.is_new for each in said) else []
    except ExtractorUnavailable:
        gone = [number for _, _, number, attempts in leased if attempts >= MAX_ATTEMPTS]
        with tenant_transaction(organisation), raw_cursor() as cursor:
            cursor.execute(RETURN_TURNS, (RETRY_SECONDS, organisation, thread, scope, numbers))
            cursor.execute(FINISH_TURNS, (organisation, thread, scope, gone))
        return False
    _store(organisation, (thread, scope), numbers, turns, candidates, extractor.name)
    return True


def list_organisations_with_waiting_turns() -> list[UUID]:
    """Return the organisations with turns to extract from. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_waiting_turns()")
        return [row[0] for row in cursor.fetchall()]


def _store(
    organisation: UUID,
    of: tuple[str, int],
    numbers: list[int],
    turns: Sequence[_Turn],
    candidates: Sequence[Candidate],
    model: str,
) -> None:
    thread, scope = of
    drafts = [replace(_draft(thread, turns, each, model), scope=scope) for each in candidates]
    # a candidate, whoever said it: confirming it is for people
    prepared = prepare(organisation, drafts, TrustState.CANDIDATE)
    parents = {
        decision
        for each in candidates
        for place in each.places
        if (decision := turns[place].decision) is not None
    }
    with tenant_transaction(organisation), raw_cursor() as cursor:
        waiting = cursor.execute(LOCK_WAITING, (organisation, thread, scope, numbers)).fetchall()
        if len(waiting) < len(numbers):
            return  # the lease expired, and another worker has finished
        commit_many(organisation=organisation, by=BY, prepared=prepared, parents=sorted(parents))
        cursor.execute(FINISH_TURNS, (organisation, thread, scope, numbers))


def _draft(thread: str, turns: Sequence[_Turn], candidate: Candidate, model: str) -> MemoryDraft:
    metadata: dict[str, Any] = {"extracted_by": model, "conversation": thread}
    return MemoryDraft(
        content=candidate.text,
        metadata=metadata,
        memory_type=MEMORY_TYPE,
        source=SOURCE,
        derived_from=tuple(turns[place].memory for place in candidate.places),
    )
