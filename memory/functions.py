"""Memory's workflow functions that write: thin wrappers of its operations, run as the run's actor."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from pydantic import Base64Bytes, Field, model_validator

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import Call, register
from liftos.kernel.http.strict import Strict
from liftos.kernel.tenancy.types import Scope
from memory.derivation import check_readers
from memory.documents.operations import PreparedDocument, commit_document, prepare_document
from memory.documents.types import DocumentOutcome, Upload
from memory.erasure.operations import forget
from memory.index.writes import Row
from memory.inputs import MemoryIn, Metadata, Reason, Supersession, VisibleToIn, visible_to_of
from memory.operations import Prepared, commit_many, commit_one, prepare
from memory.queries import existing
from memory.trust import corrections
from memory.trust.superseding import commit_supersede
from memory.types import MAX_CONTENT, Outcome, Stored, trust_of

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
