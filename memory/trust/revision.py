"""Change a memory by creating a new version."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from time import perf_counter_ns
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput
from liftos.kernel.jobs import send_hint
from liftos.kernel.outbox.operations import emit
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.analysis.passages import Passage
from memory.analysis.words import ANALYSER
from memory.index import writes
from memory.index.bulk_reads import read_passage_vectors
from memory.index.embeddings import PENDING, chosen_model, embed_drafts, texts_of
from memory.index.passage_rows import read_passages
from memory.index.stored import draft_of, earlier_texts_of, remove_index, set_indexed
from memory.models import Memory
from memory.operations import refuse_secrets
from memory.policies import read_secrets_policy
from memory.ports import tell_followers
from memory.queries import get_memory
from memory.quotas.enforcement import refuse_growth
from memory.quotas.types import size_of
from memory.rejection.refusals import vet_text
from memory.secrets.screening import screen_changes
from memory.trust.state_changes import StateForbids
from memory.trust.versions import (
    VersionMismatch,
    check_version,
    database_now,
    end_versions,
    keep_text,
    rewrite,
)
from memory.types import LIVING, EmbeddingState, MemoryDraft, Rejection, Screened, TrustState

# fields in the search index; changes of others keep the index rows
INDEXED = frozenset({"content", "metadata", "memory_type", "tags", "importance"})
CHANGEABLE = INDEXED | {"valid_from", "valid_to", "expires_at", "index"}
VERSIONED = CHANGEABLE - {"index"}
"""What each version has its own of; whether searches find a memory is one of all its versions."""


@dataclass(frozen=True, slots=True)
class Revised:
    """A memory after a revision; `decision` is None if nothing changed, `flagged` the rejection that made it a candidate."""

    id: UUID
    version: int
    embedding: EmbeddingState
    decision: UUID | None
    state: TrustState
    flagged: Rejection | None = None
    secrets: Screened | None = None


@dataclass(frozen=True, slots=True)
class PreparedRevision:
    """A new version, ready to commit.

    Attributes:
        before: the memory before the change.
        changed: names of the changed fields.
        row: the changed memory, analysed and embedded; None if nothing changes.
        model: the number of the vector's model.
        took_ns: duration of the preparation.
        secrets: those found in the new values, unless the policy allows them.
    """

    before: Memory
    changed: tuple[str, ...]
    row: writes.Row | None
    model: int | None
    took_ns: int = 0
    secrets: Screened | None = None


def revise(
    *,
    organisation: UUID,
    by: Actor,
    memory: UUID,
    changes: Mapping[str, Any],
    version: int | None,
    reason: str = "",
) -> Revised:
    """Change a memory.

    Args:
        organisation: the tenant.
        by: the actor.
        memory: its id.
        changes: new values by field, from CHANGEABLE; with `content`, also its `layout`, and `is_object` if it is an object's.
        version: the version the changes are based on; None for the current one.
        reason: free text.

    Raises:
        MemoryNotFound: not in this organisation.
        VersionMismatch: it has another version, or was just changed.
        StateForbids: it is rejected, superseded or expired.
        SecretRefused: a new value has a secret, and the policy is to refuse these.
        ValueRejected: the new text is a rejected value, or contains one and the policy is to refuse.
        InvalidInput: valid_to before valid_from.
    """
    prepared = prepare_revision(organisation=organisation, memory=memory, changes=changes, version=version)
    return commit_revision(organisation=organisation, by=by, prepared=prepared, reason=reason)


def prepare_revision(
    *, organisation: UUID, memory: UUID, changes: Mapping[str, Any], version: int | None, embed: bool = True
) -> PreparedRevision:
    """Read a memory and embed its new text; arguments as for `revise`. Calls the model: don't call inside a transaction.

    Without `embed`, the new text's vectors are left to the workers that heal pending ones, as for stores of large batches.

    Raises:
        MemoryNotFound, VersionMismatch, InvalidInput: as for `revise`.
    """
    started = perf_counter_ns()
    with tenant_transaction(organisation):
        before = get_memory(organisation=organisation, memory=memory)
        places = [each.place for each in read_passages(organisation, [memory]).get(memory, ())]
    check_version(before, version)
    old = draft_of(before)
    if "content" in changes:
        changes = {"is_object": False} | dict(changes)
    changes, secrets = screen_changes(changes, lambda: read_secrets_policy(organisation))
    new = replace(old, **changes)
    changed = [
        field.name
        for field in fields(MemoryDraft)
        if field.name in CHANGEABLE and getattr(old, field.name) != getattr(new, field.name)
    ]
    if old.is_object != new.is_object and "content" not in changed:
        changed.insert(0, "content")
    if not changed:
        return PreparedRevision(before, (), None, None, secrets=secrets)
    if new.valid_from and new.valid_to and new.valid_to < new.valid_from:
        raise InvalidInput("valid_to must not be before valid_from.", loc=("valid_to",))
    places = places or [Passage(0, len(before.content))]
    if old.content == new.content and "index" not in changed:
        row = replace(writes.prepare(organisation, new, places=places), id=before.id)
        return PreparedRevision(before, tuple(changed), row, None, perf_counter_ns() - started, secrets)
    row = writes.prepare(organisation, new, places=places if old.content == new.content else ())
    if not embed:
        row = replace(row, id=before.id, embedded=PENDING)
        return PreparedRevision(before, tuple(changed), row, None, perf_counter_ns() - started, secrets)

    def known(model: int) -> dict[str, np.ndarray]:
        with tenant_transaction(organisation):
            vectors = read_passage_vectors(organisation=organisation, model=model, memory=memory)
        texts = texts_of(before.content, places)
        return {text: vectors[number] for number, text in enumerate(texts) if number in vectors}

    # only passages with a new text are embedded
    [embedded], model = embed_drafts(organisation, [new], [row.reading], known=known)
    row = replace(row, id=before.id, embedded=embedded)
    return PreparedRevision(before, tuple(changed), row, model, perf_counter_ns() - started, secrets)


def commit_revision(
    *, organisation: UUID, by: Actor, prepared: PreparedRevision, reason: str = ""
) -> Revised:
    """Write a prepared version in one transaction.

    Raises:
        MemoryNotFound, VersionMismatch, StateForbids, ValueRejected: as for `revise`.
    """
    before, changed, row, model = prepared.before, prepared.changed, prepared.row, prepared.model
    secrets = prepared.secrets
    refuse_secrets(organisation, by, [secrets])
    if row is None:
        state = TrustState(before.state)
        embedding = EmbeddingState(before.embedding)
        return Revised(before.id, before.version, embedding, None, state, secrets=secrets)
    new_text = row.draft.content != before.content
    embeds = new_text or "index" in changed
    observed = observe_operation("memory.revise", organisation=str(organisation))
    with observed.count_in(prepared.took_ns):
        with tenant_transaction(organisation):
            flagged = vet_text(organisation, row) if new_text else None
            present = get_memory(organisation=organisation, memory=before.id, lock=True)
            if present.version != before.version:
                raise VersionMismatch("The memory was just changed; read it and try again.")
            if present.state not in LIVING:
                raise StateForbids(f"A memory that is {present.state} can't be changed.")
            refuse_growth(organisation, by, size_of(row.draft) - size_of(draft_of(before)))
            chosen = chosen_model(organisation)
            if embeds and chosen is not None and chosen != model:
                # the organisation has changed its model since: leave the vector to the sweep
                row, model = replace(row, embedded=PENDING), None
            decision = _carry_out(
                organisation, by, present, row, list(changed), model, reason, flagged, secrets
            )
            embedding = row.embedding if embeds else EmbeddingState(before.embedding)
            if embedding is EmbeddingState.PENDING:
                transaction.on_commit(lambda: send_hint("memory.heal_pending_embeddings", organisation))
        doubtful = flagged is not None or (secrets is not None and secrets.is_flagged)
        state = TrustState.CANDIDATE if doubtful else TrustState(present.state)
        return Revised(before.id, before.version + 1, embedding, decision, state, flagged, secrets)


def _carry_out(
    organisation: UUID,
    by: Actor,
    present: Memory,
    row: writes.Row,
    changed: list[str],
    model: int | None,
    reason: str,
    flagged: Rejection | None,
    secrets: Screened | None,
) -> UUID:
    doubtful = flagged is not None or (secrets is not None and secrets.is_flagged)
    text = f"Version {present.version + 1} changes {', '.join(changed)}."
    if flagged is not None:
        reason = f"{reason} {flagged.flag}".strip()
    if secrets is not None:
        text += " " + secrets.effect
    decision = record(
        organisation=organisation,
        by=by,
        operation="memory.revise",
        effect=Effect.WRITE,
        subject=("memory", str(present.id)),
        reasoning=f"{text} {reason}".strip(),
        inputs={"version": present.version, "changed": changed, "reason": reason},
        outputs={"version": present.version + 1}
        | ({"state": "candidate"} if doubtful else {})
        | (secrets.mark if secrets else {}),
        memories=[{"id": str(present.id)} | ({"rejection": str(flagged.decision)} if flagged else {})],
        versions={"analyser": ANALYSER, "embedding_model": model},
    )
    at = database_now()
    end_versions(
        organisation=organisation,
        memories=[present.id],
        operation="memory.revise",
        reason=reason,
        by=by,
        decision=decision,
        at=at,
    )
    embeds = row.draft.content != present.content or "index" in changed
    if INDEXED.intersection(changed):
        keep_text(organisation, present)
        rewrite(organisation, present.id, row, model=model, embedded=embeds)
    elif "index" in changed:
        remove_index(organisation, [present])
        rewrite(organisation, present.id, row, model=model, embedded=True, same_text=True)
    if "index" in changed:
        set_indexed(organisation, earlier_texts_of(organisation, present.id), index=row.draft.index)
    draft = row.draft
    Memory.objects.filter(organisation_id=organisation, id=present.id).update(
        metadata=draft.metadata,
        memory_type=draft.memory_type,
        tags=list(draft.tags),
        importance=draft.importance,
        valid_from=draft.valid_from,
        valid_to=draft.valid_to,
        expires_at=draft.expires_at,
        happened_at=row.reading.happened_at or present.recorded_at,
        state=TrustState.CANDIDATE.value if doubtful else present.state,
        version=present.version + 1,
        changed_at=max(at, present.changed_at),
    )
    if INDEXED.intersection(changed) or "index" in changed:
        tell_followers(organisation, [present.id])
    emit(
        organisation=organisation,
        type="liftos.memory.changed",
        subject=f"memories/{present.id}",
        data={
            "memory_id": str(present.id),
            "operation": "memory.revise",
            "changed": changed,
            "decision_id": str(decision),
        },
        scope_id=present.scope_id,
    )
    return decision
