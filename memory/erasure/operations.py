"""Erase memories from all tables and caches, with a receipt.

All rows are removed in one transaction, including copies: derived memories with the same text. Embedding caches are cleared before
the commit, so that the receipt has the outcome, and again after it, for entries added meanwhile. Other processes keep the vector
under a hashed key until LIFTOS_EMBEDDING_CACHE_TTL has passed; the receipt has that time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accountability.erasure import LISTED, erase_payloads, payloads_of
from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import seeing_everything_here, tenant_transaction
from liftos.kernel.db.viewers import ORGANISATION_SCOPE, scope_of_act
from liftos.kernel.embedding import EmbedderUnavailable, get_manager
from liftos.kernel.embedding.process_managers import made_managers
from liftos.kernel.erasure.quotes import Quotes
from liftos.kernel.erasure.types import Going, Person
from liftos.kernel.ids import new_id
from liftos.kernel.outbox.operations import emit_many
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.erasure.erasure_policy import get_policy
from memory.erasure.quoting_records import erase_quotes
from memory.erasure.receipts import Receipt, write_receipt
from memory.erasure.removal import remove_memories
from memory.holds.operations import refuse_held
from memory.index.embeddings import texts_of
from memory.index.passage_rows import read_passages
from memory.models import Erasure, Memory, MemoryVersion
from memory.ports import erase_elsewhere
from memory.queries import get_memory
from memory.trust.derived_memories import Because, Derived, find_copies, find_derived, settle_derived
from memory.trust.versions import check_version, database_now

TOGETHER = 1_000
"""Memories erased per transaction."""
UNTOLD = "Reason removed because it quoted the erased memory."


@dataclass(frozen=True, slots=True)
class Progress:
    """The result of one transaction of an erasure.

    Attributes:
        receipt: the receipt; None if nothing was erased.
        erased: number of memories erased, including copies.
        gone: number of memories erased before.
        unknown: ids that were never memories.
    """

    receipt: Receipt | None
    erased: int
    gone: int
    unknown: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """Whose data an erasure removes.

    Attributes:
        kind: user, principal or entity.
        key: a keyed hash of the id, by which the record can be found again without naming anybody.
        person: the names by which other rows tell who acted.
        removed, kept: further counts for the receipt.
    """

    kind: str
    key: str
    person: Person
    removed: dict[str, int]
    kept: dict[str, int]


def forget(
    *, organisation: UUID, by: Actor, memory: UUID, reason: str = "", version: int | None = None
) -> Receipt:
    """Erase a memory with its versions, its copies and quotes of them.

    Kept are the receipt, the tombstone of a rejected value (a keyed hash), decision records without their payload, and what the
    receipt lists. The same text may be stored again, but the same id can't be imported, nor what the organisation's policy refuses.

    Raises:
        MemoryNotFound: not in this organisation.
        VersionMismatch: it has another version.
    """
    with observe_operation("memory.delete", organisation=str(organisation)), tenant_transaction(organisation):
        row = get_memory(organisation=organisation, memory=memory, lock=True)
        check_version(row, version)
        return erase_rows(organisation, by, [row], reason)


def forget_many(
    *, organisation: UUID, by: Actor, memories: Iterable[UUID], reason: str = ""
) -> Iterator[Progress]:
    """Erase memories, a thousand per transaction, each with one decision and one receipt.

    Memories already erased are skipped, so repeating an interrupted call erases the rest.

    Args:
        organisation: the tenant.
        by: the actor.
        memories: their ids; duplicates are ignored.
        reason: for the decisions.

    Yields:
        Progress after each transaction.
    """
    wanted = list(dict.fromkeys(memories))
    for start in range(0, len(wanted), TOGETHER):
        ids = wanted[start : start + TOGETHER]
        with (
            observe_operation("memory.delete", organisation=str(organisation), count=len(ids)),
            tenant_transaction(organisation),
        ):
            rows = list(
                Memory.objects.filter(organisation_id=organisation, id__in=ids, head=None)
                .order_by("id")
                .select_for_update()
            )
            missing = set(ids) - {row.id for row in rows}
            before = Erasure.objects.filter(organisation_id=organisation, memory_id__in=missing)
            gone = set(before.values_list("memory_id", flat=True))
            receipt = erase_rows(organisation, by, rows, reason) if rows else None
        unknown = tuple(each for each in ids if each in missing and each not in gone)
        yield Progress(receipt, receipt.memories if receipt else 0, len(gone), unknown)


def erase_rows(
    organisation: UUID, by: Actor, rows: list[Memory], reason: str, *, of: Erased | None = None
) -> Receipt:
    """Erase locked memories, inside the caller's tenant transaction; the first is the subject of the decision and receipt.

    Copies and quotes go whoever may see them.

    Args:
        organisation: the tenant.
        by: the actor.
        rows: the memories; at least one, unless a person's other data are erased.
        reason: for the decision.
        of: whose data are erased, with the person's decisions and runs. The decision, which does not name the person, is
            everybody's.

    Raises:
        LegallyHeld: a legal hold is on one of them or on a copy.
    """
    scope = scope_of_act(row.scope_id for row in rows) if of is None else ORGANISATION_SCOPE
    with seeing_everything_here():
        return _erase(organisation, by, rows, reason, scope, of)


def _erase(
    organisation: UUID, by: Actor, rows: list[Memory], reason: str, scope: int, of: Erased | None
) -> Receipt:
    asked = [row.id for row in rows]
    earlier, texts = _past(organisation, rows)
    copies = find_copies(organisation, asked, texts)
    if copies:
        more = list(Memory.objects.filter(organisation_id=organisation, id__in=copies).order_by("id"))
        rows = [*rows, *more]
        earlier_of_copies, texts_of_copies = _past(organisation, more)
        earlier, texts = [*earlier, *earlier_of_copies], list({*texts, *texts_of_copies})
    ids = [row.id for row in rows]
    refuse_held(organisation, ids)
    embedded = [*texts, *_passages(organisation, (*rows, *earlier))]
    quotes = Quotes(texts, (row.external_id for row in rows if row.external_id))
    erasure = new_id()
    # a person may have decisions and runs but no memories: then the receipt names itself
    going = Going(
        organisation, tuple(ids) or (erasure,), quotes, erasure, of.person if of is not None else Person()
    )
    derived = find_derived(organisation, ids)
    removed = remove_memories(organisation, rows, earlier, elsewhere=lambda: erase_elsewhere(going))
    removed["copies"] = len(copies)
    if of is not None:
        removed |= of.removed
        going.kept.update(of.kept)
    removed |= erase_quotes(going, texts)
    listed = payloads_of(going, scrub_quoting=get_policy(organisation=organisation).scrub_quotes)
    removed["decision_payloads"] = len(listed)
    decision = _put_on_record(going, by, rows, reason, removed, derived, listed, scope, of)
    erase_payloads(organisation=organisation, memory=going.memories[0], erasure=decision)
    derived = settle_derived(
        organisation, by, derived, source=going.memories[0], because=Because.ERASED, parent=decision
    )
    at = database_now()
    write_receipt(
        going,
        by,
        rows,
        removed,
        derived,
        decision,
        at,
        _forget_vectors(organisation, embedded, at),
        rows[0].scope_id if of is None else scope,
    )
    events: list[tuple[str, dict[str, Any]]] = [
        (
            f"memories/{each}",
            {"memory_id": str(each), "erasure_id": str(going.erasure), "decision_id": str(decision)},
        )
        for each in ids
    ]
    if events:
        emit_many(
            organisation=organisation,
            type="liftos.memory.erased",
            events=events,
            scope_id=[row.scope_id for row in rows],
        )
    transaction.on_commit(lambda: _forget_vectors(organisation, embedded, at))
    return Receipt(going.erasure, going.memories[0], decision, derived, len(ids), removed, going.kept)


def _past(organisation: UUID, rows: Sequence[Memory]) -> tuple[list[Memory], list[str]]:
    """Return the rows of earlier texts, and all current and earlier texts of the memories."""
    ids = [row.id for row in rows]
    earlier = list(Memory.objects.filter(organisation_id=organisation, head__in=ids))
    versions = MemoryVersion.objects.filter(organisation_id=organisation, memory_id__in=ids)
    said = {row.content for row in (*rows, *earlier)}
    return earlier, list(said.union(versions.values_list("content", flat=True)))


def _passages(organisation: UUID, rows: Sequence[Memory]) -> list[str]:
    """Return the texts by which the passages of memories were embedded."""
    stored = read_passages(organisation, [row.id for row in rows if row.passages > 1])
    return [
        text
        for row in rows
        for text in texts_of(row.content, [each.place for each in stored.get(row.id, ())])
    ]


def _put_on_record(
    going: Going,
    by: Actor,
    rows: Sequence[Memory],
    reason: str,
    removed: dict[str, int],
    derived: Derived,
    listed: Sequence[UUID],
    scope: int,
    of: Erased | None,
) -> UUID:
    if going.quotes.in_text(reason, "reason"):
        reason = UNTOLD
    first = rows[0] if rows else None
    subject = "Erased" if len(rows) == 1 else f"{len(rows)} memories erased"
    asked: dict[str, Any] = {
        "memory_id": str(going.memories[0]),
        "version": first and first.version,
        "state": first and first.state,
        "memories": len(rows),
    }
    if of is not None:
        subject = f"All data of a {of.kind} erased, with {len(rows)} memories,"
        asked |= {"subject": of.kind, "subject_key": of.key}
    return record(
        organisation=going.organisation,
        by=by,
        operation="memory.delete",
        effect=Effect.DELETE,
        risk_class=RiskClass.LIMITED,
        subject=("memory", str(going.memories[0])),
        reasoning=f"{subject} at the request of {by.kind} {by.id}. {reason}".strip(),
        inputs=asked,
        outputs={
            "removed": removed,
            "kept": going.kept,
            "derived": derived.counts,
            LISTED: [str(each) for each in listed],
        },
        memories=[{"id": str(row.id)} for row in rows[1:]],
        scope_id=scope,
    )


def _forget_vectors(organisation: UUID, texts: Sequence[str], at: datetime) -> dict[str, Any]:
    until = at + timedelta(seconds=settings.LIFTOS_EMBEDDING_CACHE_TTL)
    try:
        get_manager()
        # a list, so that all managers are called even if one fails
        answers = [manager.forget(texts, organisation=organisation) for manager in made_managers()]
        shared = all(answers)
    except EmbedderUnavailable:
        # without the model the cache keys are unknown, but then this process has no entries
        shared = False
    return {
        "this_process": "removed",
        "shared_cache": "removed" if shared else "gone by other_processes_until",
        "other_processes_until": until.isoformat(),
    }
