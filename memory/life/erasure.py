"""Forgetting: a memory is gone from everywhere, and a receipt says so.

Everything in the database goes in one transaction. The caches of embeddings are told before it commits, so that the receipt
can say what they answered, and once more after, for what was asked meanwhile. Other processes keep the vector, under a key
that tells nobody the text, until LIFTOS_EMBEDDING_CACHE_TTL has passed; the receipt names that time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accountability.erasure import LISTED, erase_payloads, payloads_about
from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.db import raw_cursor, tenant_transaction
from liftos.embedding import EmbedderUnavailable, get_manager
from liftos.embedding.registry import made_managers
from liftos.errors import NotFound
from liftos.events.operations import emit
from liftos.observability.manager import observe_operation
from liftos.tenancy.types import Actor
from memory.life.derived import SHOWN, Because, Derived, find_derived, settle_derived
from memory.life.keys import origin_key
from memory.life.ports import erase_elsewhere
from memory.life.versions import check_version, database_now, remove_index
from memory.models import Erasure, Memory, MemoryVersion
from memory.queries import get_memory

_COUNT = """
SELECT (SELECT count(*) FROM memory_memoryvector WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s)),
       (SELECT count(*) FROM memory_memorylink WHERE organisation_id = %(organisation)s
        AND (memory_id = ANY(%(ids)s) OR target_id = ANY(%(ids)s))),
       (SELECT count(*) FROM memory_attribute WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s)),
       (SELECT count(*) FROM memory_entity WHERE organisation_id = %(organisation)s AND memory_id = ANY(%(ids)s))
"""
_VERSIONS = "DELETE FROM memory_memoryversion WHERE organisation_id = %s AND memory_id = %s"
# earlier texts first: they name their memory. Vectors and links go by their foreign keys.
_EARLIER = "DELETE FROM memory_memory WHERE organisation_id = %s AND head = %s"
_MEMORY = "DELETE FROM memory_memory WHERE organisation_id = %s AND id = %s"


class ErasureNotFound(NotFound):
    """There is no such erasure."""

    code = "memory.erasure_not_found"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an erasure answers: its id, the memory's, its decision record, what was made from it."""

    id: UUID
    memory: UUID
    decision: UUID
    derived: Derived


def forget(
    *, organisation: UUID, by: Actor, memory: UUID, reason: str = "", version: int | None = None
) -> Receipt:
    """Erase a memory with all its versions and whatever was made from them.

    What stays: the receipt, the tombstone of a rejected value (a keyed hash), and the decision records without what they
    said. The same text may be stored anew; an import of the same id may not.

    Raises:
        MemoryNotFound: there is none in this organisation.
        VersionMismatch: it is at another version.
    """
    with observe_operation("memory.delete", organisation=str(organisation)), tenant_transaction(organisation):
        row = get_memory(organisation=organisation, memory=memory, lock=True)
        check_version(row, version)
        earlier = list(Memory.objects.filter(organisation_id=organisation, head=memory))
        texts = _texts(organisation, row, earlier)
        derived = find_derived(organisation, [memory])
        removed = _remove(organisation, row, earlier)
        scrubbed = payloads_about(organisation=organisation, memory=memory)
        removed["decision_payloads"] = len(scrubbed)
        decision = record(
            organisation=organisation,
            by=by,
            operation="memory.delete",
            effect=Effect.DELETE,
            risk_class=RiskClass.LIMITED,
            subject=("memory", str(memory)),
            reasoning=f"Erased at the request of {by.kind} {by.id}. {reason}".strip(),
            inputs={"memory_id": str(memory), "version": row.version, "state": row.state},
            outputs={"removed": removed, "derived": derived.counts, LISTED: scrubbed},
        )
        erase_payloads(organisation=organisation, memory=memory, erasure=decision)
        derived = settle_derived(
            organisation, by, derived, source=memory, because=Because.ERASED, parent=decision
        )
        at = database_now()
        receipt = Erasure.objects.create(
            organisation_id=organisation,
            memory_id=memory,
            origin=origin_key(organisation, row.source, row.external_id) if row.external_id else None,
            stored_by=row.stored_by,
            removed=removed,
            caches=_forget_vectors(organisation, texts, at)
            | {"derived_memories": [str(each) for each in derived.found[:SHOWN]], "derived": derived.counts},
            actor_kind=by.kind,
            actor_id=by.id,
            on_behalf_of=by.on_behalf_of,
            decision_id=decision,
            recorded_at=at,
        )
        emit(
            organisation=organisation,
            type="liftos.memory.deleted",
            subject=f"memories/{memory}",
            data={"memory_id": str(memory), "erasure_id": str(receipt.id), "decision_id": str(decision)},
        )
        transaction.on_commit(lambda: _forget_vectors(organisation, texts, at))
    return Receipt(receipt.id, memory, decision, derived)


def get_erasure(*, organisation: UUID, erasure: UUID) -> Erasure:
    """Return a receipt.

    Raises:
        ErasureNotFound: there is none in this organisation.
    """
    row = Erasure.objects.filter(organisation_id=organisation, id=erasure).first()
    if row is None:
        raise ErasureNotFound
    return row


def _texts(organisation: UUID, row: Memory, earlier: Sequence[Memory]) -> list[str]:
    versions = MemoryVersion.objects.filter(organisation_id=organisation, memory_id=row.id)
    return list(
        {row.content, *(each.content for each in earlier), *versions.values_list("content", flat=True)}
    )


def _remove(organisation: UUID, row: Memory, earlier: Sequence[Memory]) -> dict[str, int]:
    ids = [row.id, *(each.id for each in earlier)]
    with raw_cursor() as cursor:
        counted = cursor.execute(_COUNT, {"organisation": organisation, "ids": ids}).fetchone()
    assert counted is not None  # noqa: S101  a SELECT without FROM has one row
    removed: dict[str, int] = dict(zip(("vectors", "links", "attributes", "entities"), counted, strict=True))
    removed["words"] = row.term_count + sum(each.term_count for each in earlier)
    removed |= erase_elsewhere(organisation, row.id)
    for each in (*earlier, row):
        remove_index(organisation, each)
    with raw_cursor() as cursor:
        removed["versions"] = 1 + cursor.execute(_VERSIONS, (organisation, row.id)).rowcount
        cursor.execute(_EARLIER, (organisation, row.id))
        cursor.execute(_MEMORY, (organisation, row.id))
    return removed


def _forget_vectors(organisation: UUID, texts: Sequence[str], at: datetime) -> dict[str, Any]:
    until = at + timedelta(seconds=settings.LIFTOS_EMBEDDING_CACHE_TTL)
    try:
        get_manager()
        # each of them is asked, also after one could not say
        answers = [manager.forget(texts, organisation=organisation) for manager in made_managers()]
        shared = all(answers)
    except EmbedderUnavailable:
        # without the model's name the keys are not known; nothing of it is in this process then
        shared = False
    return {
        "this_process": "removed",
        "shared_cache": "removed" if shared else "gone by other_processes_until",
        "other_processes_until": until.isoformat(),
    }
