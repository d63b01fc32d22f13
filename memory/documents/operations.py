"""Store documents in two steps: *prepare* parses, cuts and embeds, *commit* writes.

A document is a memory of type `document` whose text was read from a file. Sent again under its external id, it becomes a new version of
the same memory: only passages with a new text are embedded, and the earlier text stays in the history.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import Conflict, PermissionDenied
from liftos.kernel.files.operations import give_up_files, keep_file, write_file
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.documents import sandbox
from memory.documents.parsing.types import Parsed
from memory.documents.types import DocumentOutcome, StoredDocument, Upload
from memory.errors import ExternalIdTaken
from memory.models import Document, Memory
from memory.operations import Prepared, commit, prepare, raise_refusal, refuse_secrets
from memory.queries import get_memory
from memory.secrets.scanning import without_secrets
from memory.trust.revision import PreparedRevision, commit_revision, prepare_revision
from memory.types import EmbeddingState, Mark, MemoryDraft, Outcome, Screened, TrustState
from memory.visibility import scope_of

MEMORY_TYPE = "document"
MAX_TITLE = 300


class JustStored(Conflict):
    """The document was just stored by another request; send it again."""

    code = "document.just_stored"


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A document ready to commit: a new memory, or the revision of the one that has its external id.

    Attributes:
        upload: as sent, without its content.
        parsed: what the file says.
        title: of the document.
        sha256, size: of the file.
        new: the new memory; None for a revision.
        revision: the new version; None for a new memory.
        file: the loose file in the store; empty if it is not to be kept.
        secrets: those found in it, unless the policy allows them.
    """

    upload: Upload
    parsed: Parsed
    title: str
    sha256: str
    size: int
    new: Prepared | None
    revision: PreparedRevision | None
    file: str
    secrets: Screened | None = None

    @property
    def characters(self) -> int:
        """The length of its text as it is stored."""
        row = self.new.rows[0] if self.new else self.revision and self.revision.row
        return len(row.draft.content if row else self.parsed.text)


def prepare_document(
    organisation: UUID, upload: Upload, trust: TrustState = TrustState.ACTIVE
) -> PreparedDocument:
    """Parse and embed a document. Runs a process and calls the model: don't call inside a transaction.

    Args:
        organisation: the tenant.
        upload: the document.
        trust: the highest trust state the caller may store.

    Raises:
        NotVisible: the caller would not see it.
        UnsupportedDocument, InvalidInput: it can't be read (memory/documents/errors.py).
        ExternalIdTaken: a memory that is not a document has the external id.
        PermissionDenied: the document exists, and the caller may only propose.
        FileStoreFull, FileStoreUnavailable: the original can't be kept.
    """
    scope = scope_of(organisation, upload.visible_to)
    parsed = sandbox.parse(
        upload.content, name=upload.name, media_type=upload.media_type, charset=upload.charset
    )
    title = upload.title or parsed.title or PurePath(upload.name).stem[:MAX_TITLE]
    sha256 = upload.sha256
    draft = _draft(upload, parsed, title, scope)
    earlier = _find_earlier(organisation, upload, scope)
    new = revision = None
    if earlier is None:
        new = prepare(organisation, [draft], trust)
    else:
        if trust is not TrustState.ACTIVE:
            raise PermissionDenied("Changing a document requires the scope memory:write.")
        changes: dict[str, Any] = {
            "content": draft.content,
            "layout": draft.layout,
            "metadata": draft.metadata,
        }
        changes |= {} if upload.index is None else {"index": upload.index}
        revision = prepare_revision(organisation=organisation, memory=earlier, changes=changes, version=None)
    screened = revision.secrets if revision else new.rows[0].secrets if new else None
    is_clean = screened is None or screened.is_flagged
    if not is_clean:
        title, upload = without_secrets(title), replace(upload, name=without_secrets(upload.name))
    has_changed = revision is None or revision.row is not None
    # an original holds what was replaced in its text
    wanted = (
        upload.keep_original
        and is_clean
        and (has_changed or not _has_original(organisation, earlier, sha256))
    )
    file = write_file(organisation=organisation, content=upload.content) if wanted else ""
    return PreparedDocument(upload, parsed, title, sha256, len(upload.content), new, revision, file, screened)


def commit_document(
    *, organisation: UUID, by: Actor, prepared: PreparedDocument, parents: Sequence[UUID] = ()
) -> StoredDocument:
    """Write a prepared document in one transaction; `parents` are the decisions that a new one follows from.

    Raises:
        JustStored: another request has stored the external id since.
        ValueRejected, MemoryErased: as for a memory.
        VersionMismatch, StateForbids: as for a revision.
    """
    refuse_secrets(organisation, by, [prepared.secrets])
    with (
        observe_operation("memory.store_document", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        if prepared.revision is None:
            outcome, memory, decision = _commit_new(organisation, by, prepared, parents)
        else:
            outcome, memory, decision = _commit_revision(organisation, by, prepared.revision)
        document = _write_row(organisation, memory, outcome, prepared)
        return replace(_result(memory, document, outcome, decision), secrets=prepared.secrets)


def store_document(
    *, organisation: UUID, by: Actor, upload: Upload, trust: TrustState = TrustState.ACTIVE
) -> StoredDocument:
    """Prepare and commit a document, once more if another request stores or changes it meanwhile."""
    prepared = prepare_document(organisation, upload, trust)
    try:
        return commit_document(organisation=organisation, by=by, prepared=prepared)
    except Conflict as error:
        if not isinstance(error, JustStored):
            raise
    prepared = prepare_document(organisation, upload, trust)
    return commit_document(organisation=organisation, by=by, prepared=prepared)


def _draft(upload: Upload, parsed: Parsed, title: str, scope: int) -> MemoryDraft:
    stated: dict[str, Any] = {"title": title, "media_type": str(parsed.kind)}
    if upload.name:
        stated["file_name"] = upload.name
    return MemoryDraft(
        content=parsed.text,
        metadata=parsed.facts | stated | upload.metadata,
        memory_type=MEMORY_TYPE,
        source=upload.source,
        external_id=upload.external_id,
        layout=tuple(Mark(start, page, heading) for start, page, heading in parsed.marks),
        scope=scope,
        index=upload.index is not False,
    )


def _find_earlier(organisation: UUID, upload: Upload, scope: int) -> UUID | None:
    """Return the id of the document of a scope that has the external id, if one has."""
    if not upload.external_id:
        return None
    with tenant_transaction(organisation):
        row = Memory.objects.filter(
            organisation_id=organisation,
            source=upload.source,
            external_id=upload.external_id,
            scope_id=scope,
        ).first()
    if row is None:
        return None
    if row.memory_type != MEMORY_TYPE:
        raise ExternalIdTaken(row.id)
    return row.id


def _has_original(organisation: UUID, memory: UUID | None, sha256: str) -> bool:
    with tenant_transaction(organisation):
        row = _latest(organisation, memory) if memory else None
    return row is not None and row.sha256 == sha256 and bool(row.file)


def _latest(organisation: UUID, memory: UUID) -> Document | None:
    return (
        Document.objects.filter(organisation_id=organisation, memory_id=memory).order_by("-version").first()
    )


def _commit_new(
    organisation: UUID, by: Actor, prepared: PreparedDocument, parents: Sequence[UUID]
) -> tuple[DocumentOutcome, Memory, UUID | None]:
    assert prepared.new is not None  # noqa: S101  by prepare_document
    [stored] = commit(organisation, by, prepared.new, operation="memory.store", parents=parents)
    if stored.outcome is Outcome.CONFLICT:
        raise JustStored
    raise_refusal(stored)
    memory = get_memory(organisation=organisation, memory=stored.id)
    if stored.outcome is Outcome.UNCHANGED:
        return DocumentOutcome.UNCHANGED, memory, None
    return DocumentOutcome.STORED, memory, stored.decision


def _commit_revision(
    organisation: UUID, by: Actor, revision: PreparedRevision
) -> tuple[DocumentOutcome, Memory, UUID | None]:
    revised = commit_revision(organisation=organisation, by=by, prepared=revision)
    memory = get_memory(organisation=organisation, memory=revised.id)
    outcome = DocumentOutcome.CHANGED if revision.row is not None else DocumentOutcome.UNCHANGED
    return outcome, memory, revised.decision


def _write_row(
    organisation: UUID, memory: Memory, outcome: DocumentOutcome, prepared: PreparedDocument
) -> Document:
    """Write the row of a new text; for an unchanged one, only keep its original if that is new."""
    row = _latest(organisation, memory.id)
    if outcome is not DocumentOutcome.UNCHANGED or row is None:
        row = Document(
            organisation_id=organisation,
            scope_id=memory.scope_id,
            memory_id=memory.id,
            version=memory.version,
        )
    elif not prepared.file:
        return row
    elif row.file:
        give_up_files(organisation=organisation, keys=[row.file])
    row.title, row.name, row.media_type = prepared.title, prepared.upload.name, str(prepared.parsed.kind)
    row.pages, row.characters = prepared.parsed.pages, prepared.characters
    row.bytes, row.sha256, row.file = prepared.size, prepared.sha256, prepared.file
    row.save(force_insert=row._state.adding)
    if prepared.file:
        keep_file(organisation=organisation, key=prepared.file)
    return row


def _result(
    memory: Memory, document: Document, outcome: DocumentOutcome, decision: UUID | None
) -> StoredDocument:
    return StoredDocument(
        id=memory.id,
        outcome=outcome,
        version=memory.version,
        title=document.title,
        media_type=document.media_type,
        pages=document.pages,
        characters=document.characters,
        passages=memory.passages,
        language=memory.language,
        embedding=EmbeddingState(memory.embedding),
        state=TrustState(memory.state),
        original=bool(document.file),
        decision=decision,
    )
