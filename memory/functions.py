"""Memory's workflow functions: thin wrappers of its operations, run as the run's actor."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from pydantic import Base64Bytes, Field, model_validator

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import Call, register
from liftos.kernel.http.strict import Strict
from liftos.kernel.tenancy.types import Scope
from memory.derivation import check_readers
from memory.documents.operations import PreparedDocument, commit_document, prepare_document
from memory.documents.types import DocumentOutcome, Upload
from memory.erasure.operations import forget
from memory.hygiene import check_health
from memory.index.writes import Row
from memory.inputs import MemoryIn, Metadata, Reason, Supersession, VisibleToIn, visible_to_of
from memory.operations import Prepared, commit_many, commit_one, prepare
from memory.queries import existing, list_recent
from memory.search.as_json import native_hit, verdict, verdicts
from memory.search.inputs import MAX_QUERIES, NativeSearch, NativeSearches
from memory.search.prompt import as_prompt
from memory.search.service import search, search_many
from memory.trust import corrections
from memory.trust.superseding import commit_supersede
from memory.types import MAX_CONTENT, LinkKind, Outcome, Stored, trust_of

SEARCHED = ("memories", "spaces")
"""What searches read, for `liftos.kernel.caching.change_tokens.watching.Watch`; spaces are read by an arm of that app."""
MAX_TOGETHER = 2_000
MAX_SOURCES = 100
"""Maximum sources of a memory, including those its workflow read."""
THERE = (
    None,
    str(Outcome.STORED),
    str(Outcome.UNCHANGED),
    str(Outcome.CONFLICT),
    str(DocumentOutcome.CHANGED),
)
"""Outcomes of results whose id is a memory's; corrections have no outcome."""
MAX_SHOWN = 500
"""Characters of a text quoted in a finding."""


class StoreMany(Strict):
    """Memories to store together."""

    memories: list[MemoryIn] = Field(max_length=MAX_TOGETHER)


class StoreDocument(Strict):
    """A document, as text or as the file in base64, and its fields."""

    text: str = Field(default="", max_length=MAX_CONTENT)
    file: Base64Bytes = Field(default=b"", description="The file in base64, instead of `text`.")
    file_name: str = Field(default="", max_length=300)
    media_type: str = Field(default="", max_length=100)
    title: str = Field(default="", max_length=300)
    source: str = Field(default="", max_length=100)
    external_id: str = Field(default="", max_length=300)
    metadata: Metadata = Field(default_factory=dict)
    keep_original: bool = False
    visible_to: VisibleToIn | None = None
    index: bool | None = None

    @model_validator(mode="after")
    def check_file(self) -> "StoreDocument":
        """Require one of text and file."""
        if bool(self.text) == bool(self.file):
            raise ValueError("exactly one of text and file is required")
        return self

    def upload(self) -> Upload:
        """Return the document as an upload."""
        return Upload(
            content=self.file or self.text.encode("utf-8", "replace"),
            name=self.file_name,
            media_type=self.media_type.partition(";")[0].strip().lower()
            or ("text/plain" if self.text else ""),
            charset="utf-8" if self.text else "",
            title=self.title,
            source=self.source,
            external_id=self.external_id,
            metadata=self.metadata,
            keep_original=self.keep_original,
            visible_to=visible_to_of(self.visible_to),
            index=self.index,
        )


class Replace(Supersession):
    """A memory's id, and its successor."""

    memory_id: UUID


class Erase(Strict):
    """A memory to erase."""

    memory_id: UUID
    reason: Reason = ""


class Contest(Strict):
    """A memory to contest."""

    memory_id: UUID
    reason: Reason = ""


class Recent(Strict):
    """Filters for recent memories."""

    days: float = Field(default=7, gt=0, le=3_660)
    memory_types: list[str] | None = Field(default=None, min_length=1, max_length=100)
    limit: int = Field(default=20, ge=1, le=100)


class HealthCheck(Strict):
    """Limits of a health check."""

    limit: int = Field(default=20, ge=1, le=100, description="Maximum findings of each kind.")
    contested_days: float = Field(default=30, ge=0, le=3_660)


class SearchMany(NativeSearches):
    """Several searches that differ only in their query; possibly none."""

    queries: list[str] = Field(max_length=MAX_QUERIES)


def _quoted(result: Any) -> Iterator[UUID]:
    """Yield the ids of the memories in a search result."""
    for hit in result["results"]:
        for each in hit if isinstance(hit, list) else [hit]:
            yield UUID(each["id"])


def _stored(stored: Stored) -> dict[str, Any]:
    return {
        "id": str(stored.id),
        "outcome": str(stored.outcome),
        "embedding": str(stored.embedding),
        "decision_id": str(stored.decision) if stored.decision else None,
    } | stored.mark


def _touched(result: Any) -> Iterator[UUID]:
    """Yield the ids of the memories that a write stored, changed or found to exist."""
    for each in result.get("results", [result]):
        if each.get("outcome") in THERE:
            yield UUID(each["id"])
        if each.get("superseded_by"):
            yield UUID(each["superseded_by"])


def _prepare_one(call: Call, arguments: MemoryIn) -> Prepared:
    return prepare(call.organisation, [arguments.draft()], trust_of(call.principal))


def _prepare_all(call: Call, arguments: StoreMany) -> Prepared:
    drafts = [each.draft() for each in arguments.memories]
    return prepare(call.organisation, drafts, trust_of(call.principal))


def _with_sources(call: Call, prepared: Prepared) -> Prepared:
    """Return the prepared rows with the memories the workflow read added to their sources, and no wider than these allow."""
    wanted = call.sources.memories
    if not wanted:
        return prepared
    # a memory may have been erased since it was read
    with tenant_transaction(call.organisation):
        present = existing(organisation=call.organisation, memories=wanted)
    read = [each for each in wanted if each in present]

    def sourced(row: Row) -> Row:
        sources = tuple(dict.fromkeys((*row.draft.derived_from, *read)))[:MAX_SOURCES]
        return replace(row, draft=replace(row.draft, derived_from=sources), unnamed_sources=wanted)

    wanted = tuple(dict.fromkeys((*wanted, *call.sources.unnamed)))
    return replace(prepared, rows=tuple(sourced(row) for row in prepared.rows))


@register(
    "memory.store",
    schema=MemoryIn,
    scopes=[Scope.MEMORY_PROPOSE],
    prepare=_prepare_one,
    touches=_touched,
    derives=True,
)
def store(call: Call, arguments: MemoryIn) -> dict[str, Any]:
    """Store a memory; callers that may only propose store candidates."""
    del arguments
    prepared, parents = _with_sources(call, call.prepared), call.sources.decisions
    return _stored(commit_one(organisation=call.organisation, by=call.by, prepared=prepared, parents=parents))


@register(
    "memory.store_many",
    schema=StoreMany,
    scopes=[Scope.MEMORY_PROPOSE],
    prepare=_prepare_all,
    touches=_touched,
    derives=True,
)
def store_many(call: Call, arguments: StoreMany) -> dict[str, Any]:
    """Store memories in one transaction; one that is refused does not affect the others."""
    del arguments
    prepared, parents = _with_sources(call, call.prepared), call.sources.decisions
    stored = commit_many(organisation=call.organisation, by=call.by, prepared=prepared, parents=parents)
    return {"count": len(stored), "results": [_stored(each) for each in stored]}


def _prepare_document(call: Call, arguments: StoreDocument) -> PreparedDocument:
    return prepare_document(call.organisation, arguments.upload(), trust_of(call.principal))


@register(
    "memory.store_document",
    schema=StoreDocument,
    scopes=[Scope.MEMORY_PROPOSE],
    prepare=_prepare_document,
    touches=_touched,
    derives=True,
)
def store_document(call: Call, arguments: StoreDocument) -> dict[str, Any]:
    """Store a document; stored again under its external id, it becomes a new version if its text has changed."""
    del arguments
    prepared: PreparedDocument = call.prepared
    if prepared.new is not None:
        prepared = replace(prepared, new=_with_sources(call, prepared.new))
    elif prepared.revision is not None:
        with tenant_transaction(call.organisation):
            wanted = (*call.sources.memories, *call.sources.unnamed)
            check_readers(call.organisation, prepared.revision.before.scope_id, wanted)
    stored = commit_document(
        organisation=call.organisation, by=call.by, prepared=prepared, parents=call.sources.decisions
    )
    return stored.as_json()


def find(call: Call, arguments: NativeSearch) -> dict[str, Any]:
    """Search memories; each score is the sum of its terms."""
    answer = search(organisation=call.organisation, by=call.by, request=arguments.request())
    result: dict[str, Any] = {
        "results": [native_hit(hit) for hit in answer.hits],
        "count": len(answer.hits),
        "search_type": str(answer.search_type),
        "degraded": list(answer.degraded),
        **verdict(answer),
        "decision_id": str(answer.decision),
    }
    if arguments.format == "prompt":
        prompt = as_prompt(answer.hits, arguments.token_budget)
        result |= {"prompt": prompt.text, "tokens": prompt.tokens}
    return result


@register(
    "memory.search_many",
    schema=SearchMany,
    scopes=[Scope.MEMORY_READ],
    cacheable=True,
    reads=SEARCHED,
    mentions=_quoted,
)
def find_many(call: Call, arguments: SearchMany) -> dict[str, Any]:
    """Search for several queries; results are in their order."""
    if not arguments.queries:
        return {
            "results": [],
            "search_type": arguments.search_type,
            "degraded": [],
            "abstained": [],
            "abstain_reason": [],
            "confidence": [],
            "collapsed": [],
            "decision_id": None,
        }
    answers = search_many(
        organisation=call.organisation,
        by=call.by,
        queries=arguments.queries,
        request=replace(arguments.request(), copies=1),
    )
    return {
        "results": [[native_hit(hit) for hit in hits] for hits in answers.hits],
        "search_type": str(answers.search_type),
        "degraded": list(answers.degraded),
        **verdicts(answers),
        "decision_id": str(answers.decision),
    }


@register(
    "memory.supersede",
    schema=Replace,
    scopes=[Scope.MEMORY_WRITE],
    prepare=_prepare_one,
    touches=_touched,
    derives=True,
)
def supersede(call: Call, arguments: Replace) -> dict[str, Any]:
    """Replace a memory by a new one."""
    changed = commit_supersede(
        organisation=call.organisation,
        by=call.by,
        memory=arguments.memory_id,
        prepared=_with_sources(call, call.prepared),
        reason=arguments.reason,
    )
    assert changed.successor is not None  # noqa: S101  supersede always has one
    return {
        "id": str(changed.id),
        "state": str(changed.state),
        "superseded_by": str(changed.successor.id),
        "decision_id": str(changed.decision),
    } | changed.successor_mark


@register("memory.erase", schema=Erase, scopes=[Scope.MEMORY_WRITE])
def erase(call: Call, arguments: Erase) -> dict[str, Any]:
    """Erase a memory with all its versions and index data."""
    receipt = forget(
        organisation=call.organisation, by=call.by, memory=arguments.memory_id, reason=arguments.reason
    )
    return {
        "id": str(receipt.memory),
        "erasure_id": str(receipt.id),
        "decision_id": str(receipt.decision),
    }


@register("memory.contest", schema=Contest, scopes=[Scope.MEMORY_WRITE], touches=_touched)
def contest(call: Call, arguments: Contest) -> dict[str, Any]:
    """Contest a memory; searches still return it, marked as contested."""
    changed = corrections.contest(
        organisation=call.organisation, by=call.by, memory=arguments.memory_id, reason=arguments.reason
    )
    return {"id": str(changed.id), "state": str(changed.state), "decision_id": str(changed.decision)}


def _listed(result: Any) -> Iterator[UUID]:
    for each in result["memories"]:
        yield UUID(each["id"])


@register("memory.recent", schema=Recent, scopes=[Scope.MEMORY_READ], mentions=_listed)
def recent(call: Call, arguments: Recent) -> dict[str, Any]:
    """Return active and contested memories of the last days, most important first."""
    now = timezone.now()
    since = now - timedelta(days=arguments.days)
    with tenant_transaction(call.organisation):
        rows = list_recent(
            organisation=call.organisation,
            since=since,
            memory_types=arguments.memory_types,
            limit=arguments.limit,
        )
        memories = [
            {
                "id": str(row.id),
                "content": row.given_content,
                "memory_type": row.memory_type,
                "importance": row.importance,
                "recorded_at": row.recorded_at.isoformat(),
                "contradicts": [
                    str(link.target_id)
                    for link in row.links.all()
                    if link.kind == LinkKind.CONTRADICTS and link.target_id and link.holds_at(now)
                ],
            }
            for row in rows
        ]
    return {"memories": memories, "count": len(memories), "since": since.isoformat()}


def _findings(result: Any) -> Iterator[UUID]:
    for each in result["memory_ids"]:
        yield UUID(each)


@register("memory.health", schema=HealthCheck, scopes=[Scope.MEMORY_READ], mentions=_findings)
def health(call: Call, arguments: HealthCheck) -> dict[str, Any]:
    """Find contradictions, duplicates, old contested memories, and missing sources and vectors."""
    with tenant_transaction(call.organisation):
        found = check_health(
            organisation=call.organisation,
            now=timezone.now(),
            limit=arguments.limit,
            contested_for=timedelta(days=arguments.contested_days),
        )
    named = (
        *(each for pair in found.contradictions for each in (pair.contradicted, pair.contradicting)),
        *(each for double in found.doubles for each in double.memories),
        *(doubt.memory for doubt in found.doubts),
    )
    text = (
        f"{found.memories} memories: {len(found.contradictions)} contradictions, {len(found.doubles)} values in "
        f"several memories, {len(found.doubts)} contested for more than {arguments.contested_days:g} days, "
        f"{found.unsourced} without a source, {found.waiting} waiting for a vector."
    )
    return {
        "text": text,
        "memories": found.memories,
        "contradictions": [
            {
                "contradicted": str(each.contradicted),
                "contradicting": str(each.contradicting),
                "contradicted_text": each.contradicted_text[:MAX_SHOWN],
                "contradicting_text": each.contradicting_text[:MAX_SHOWN],
            }
            for each in found.contradictions
        ],
        "doubles": [
            {
                "ids": [str(each) for each in double.memories],
                "count": double.count,
                "text": double.text[:MAX_SHOWN],
            }
            for double in found.doubles
        ],
        "contested": [
            {"id": str(each.memory), "since": each.since.isoformat(), "text": each.text[:MAX_SHOWN]}
            for each in found.doubts
        ],
        "unsourced": found.unsourced,
        "waiting_for_a_vector": found.waiting,
        "memory_ids": [str(each) for each in dict.fromkeys(named)],
    }


# the old platform's template uses the second name
for _name in ("memory.search", "enhanced_search"):
    register(
        _name,
        schema=NativeSearch,
        scopes=[Scope.MEMORY_READ],
        cacheable=True,
        reads=SEARCHED,
        mentions=_quoted,
    )(find)
