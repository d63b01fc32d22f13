"""Store a memory under its external id, or change the one that has it, in two steps: *prepare* and *commit*."""

from dataclasses import dataclass, replace
from uuid import UUID

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import Conflict, InvalidInput
from liftos.kernel.tenancy.types import Actor
from memory.derivation import check_readers, named_sources, sources_of
from memory.errors import ExternalIdTaken
from memory.index import writes
from memory.models import Memory
from memory.operations import Prepared, commit_one, prepare
from memory.queries import get_memory
from memory.trust.revision import CHANGEABLE, PreparedRevision, commit_revision, prepare_revision
from memory.trust.versions import VersionMismatch
from memory.trust.visibility_change import change_visibility
from memory.types import EmbeddingState, MemoryDraft, Outcome, Rejection, Screened, TrustState


class JustChanged(Conflict):
    """Another request has just stored or changed the memory; send it again."""

    code = "memory.just_changed"


@dataclass(frozen=True, slots=True)
class PreparedUpsert:
    """A draft ready to commit: as a new memory, or as the revision of the one that has its external id."""

    draft: MemoryDraft
    new: Prepared | None
    revision: PreparedRevision | None


@dataclass(frozen=True, slots=True)
class Upserted:
    """A memory after an upsert: `outcome` is stored, changed or unchanged; `decision` is None if unchanged."""

    id: UUID
    outcome: str
    version: int
    state: TrustState
    embedding: EmbeddingState
    decision: UUID | None
    flagged: Rejection | None = None
    secrets: Screened | None = None


def prepare_upsert(
    *, organisation: UUID, draft: MemoryDraft, kept: frozenset[str], version: int | None
) -> PreparedUpsert:
    """Find the memory with a draft's source and external id, and prepare its change, or the store. Calls the model.

    Args:
        organisation: the tenant.
        draft: the memory as it shall be.
        kept: fields that a change leaves as they are, whatever the draft says.
        version: the version the caller read; None for any, or for none.

    Raises:
        VersionMismatch: it has another version, or does not exist.
        InvalidInput: the thread of an existing memory differs; as for a store and a revision.
    """
    with tenant_transaction(organisation):
        row = Memory.objects.filter(
            organisation_id=organisation, source=draft.source, external_id=draft.external_id, head=None
        ).first()
    if row is None:
        if version is not None:
            raise VersionMismatch("There is no memory with this external id.", loc=("header", "if-match"))
        return PreparedUpsert(draft, prepare(organisation, [draft]), None)
    if draft.thread and draft.thread != row.thread:
        raise InvalidInput("The thread of a memory can't be changed.", loc=("thread",))
    changes = {name: getattr(draft, name) for name in CHANGEABLE - kept}
    changes |= {"is_object": draft.is_object}
    changes |= {"embedding": draft.embedding, "embedding_model": draft.embedding_model}
    revision = prepare_revision(organisation=organisation, memory=row.id, changes=changes, version=version)
    return PreparedUpsert(draft, None, revision)


def commit_upsert(
    *, organisation: UUID, by: Actor, prepared: PreparedUpsert, reason: str = "", may_curate: bool = False
) -> Upserted:
    """Write a prepared upsert in one transaction; links and sources are added.

    Args:
        organisation: the tenant.
        by: the actor.
        prepared: the upsert.
        reason: free text.
        may_curate: whether the caller may change who sees a memory of others.

    Raises:
        NotOwner: `visible_to` differs, and the memory is another's.
        JustChanged: another request has stored or changed the memory since.
        StateForbids: it is rejected, superseded or expired.
        ValueRejected, UnknownSource, MemoryErased: as for a store.
    """
    if prepared.new is not None:
        return _store(organisation, by, prepared.new)
    assert prepared.revision is not None  # noqa: S101  by prepare_upsert
    with tenant_transaction(organisation):
        revised = commit_revision(organisation=organisation, by=by, prepared=prepared.revision, reason=reason)
        if prepared.draft.links or prepared.draft.derived_from:
            writes.link(organisation, [(revised.id, replace(prepared.draft, external_id=""))])
        if prepared.draft.visible_to is not None:
            moved = change_visibility(
                organisation=organisation,
                by=by,
                memory=revised.id,
                wanted=prepared.draft.visible_to,
                version=revised.version,
                reason=reason,
                may_curate=may_curate,
            )
            if moved.decision is not None:
                revised = replace(revised, version=moved.version, decision=moved.decision)
        if prepared.draft.links or prepared.draft.derived_from:
            scope = get_memory(organisation=organisation, memory=revised.id).scope_id
            named = named_sources(organisation, {revised.id: replace(prepared.draft, scope=scope)})
            check_readers(organisation, scope, sources_of(prepared.draft).union(*named.values()))
    return Upserted(
        revised.id,
        "unchanged" if revised.decision is None else "changed",
        revised.version,
        revised.state,
        revised.embedding,
        revised.decision,
        revised.flagged,
        revised.secrets,
    )


def _store(organisation: UUID, by: Actor, prepared: Prepared) -> Upserted:
    with tenant_transaction(organisation):
        try:
            stored = commit_one(organisation=organisation, by=by, prepared=prepared)
        except ExternalIdTaken:
            raise JustChanged from None
        row = get_memory(organisation=organisation, memory=stored.id)
    outcome, decision = str(stored.outcome), stored.decision
    if stored.outcome is not Outcome.STORED:
        decision = None
    return Upserted(
        stored.id,
        outcome,
        row.version,
        TrustState(row.state),
        stored.embedding,
        decision,
        stored.flagged,
        stored.secrets,
    )
