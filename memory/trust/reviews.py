"""Memory's part in reviews: reversal of overturned decisions, and the current state of the memories a decision used.

| overturned | reversed by |
|---|---|
| memory.store, memory.store_many, memory.revise, memory.confirm | contest |
| memory.reject | confirm; its value may be written again |
| memory.contest, memory.hide | confirm |

Superseding, expiry and erasure can't be reversed: the first two are corrected by a new memory, erasure is final.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.urls import reverse

from accountability.ports import (
    Cited,
    Overturned,
    Reversal,
    Reverser,
    Since,
    reversers,
    subject_readers,
)
from accountability.queries import memories_of
from accountability.types import Decision
from memory.models import Memory, MemoryVersion
from memory.trust.corrections import confirm, contest_all
from memory.types import TrustState

# characters of a memory's text shown with a decision
SHOWN = 600


def take_part() -> None:
    """Fill accountability's ports when the app is ready."""
    for operation in ("memory.store", "memory.store_many", "memory.revise", "memory.confirm"):
        reversers.fill(operation, contest_what_it_made)
    reversers.fill("memory.reject", _confirmer(TrustState.REJECTED))
    reversers.fill("memory.contest", _confirmer(TrustState.CONTESTED))
    reversers.fill("memory.hide", _confirmer(TrustState.CANDIDATE))
    subject_readers.fill("memory", read_since)


def contest_what_it_made(overturned: Overturned) -> Reversal:
    """Contest the candidate and active memories that a decision stored, changed or confirmed."""
    memories = _made_by(overturned.decision)
    contested, decision = contest_all(
        organisation=overturned.organisation,
        by=overturned.by,
        memories=memories,
        reason=overturned.reason,
        parents=[overturned.review],
    )
    return Reversal("memory.contest", len(contested), len(memories) - len(contested), decision)


def _confirmer(state: TrustState) -> Reverser:
    def confirm_again(overturned: Overturned) -> Reversal:
        memories = memories_of(overturned.decision)
        still = Memory.objects.filter(
            organisation_id=overturned.organisation, id__in=memories, head=None, state=state
        )
        changed = [
            confirm(
                organisation=overturned.organisation,
                by=overturned.by,
                memory=memory,
                reason=overturned.reason,
                may_reinstate=state is TrustState.REJECTED,
                parents=[overturned.review],
            )
            for memory in sorted(still.values_list("id", flat=True))
        ]
        first = changed[0].decision if changed else None
        return Reversal("memory.confirm", len(changed), len(memories) - len(changed), first)

    return confirm_again


def _made_by(decision: Decision) -> list[UUID]:
    """Return the memories of a decision, without those a store found unchanged."""
    others = {str(each.get("id")) for each in decision.memories if each.get("outcome") == "unchanged"}
    return [each for each in memories_of(decision) if str(each) not in others]


def read_since(organisation: UUID, at: datetime, cited: Sequence[Cited]) -> list[Since]:
    """Return each memory as the decision used it and as it is now, in two queries."""
    wanted: dict[UUID, int | None] = {}
    for each in cited:
        try:
            wanted.setdefault(UUID(each.id), each.version)
        except ValueError:
            continue
    present = Memory.objects.filter(organisation_id=organisation, head=None).in_bulk(list(wanted))
    ended: dict[UUID, list[MemoryVersion]] = {}
    for version in MemoryVersion.objects.filter(organisation_id=organisation, memory_id__in=wanted).order_by(
        "version"
    ):
        ended.setdefault(version.memory_id, []).append(version)
    return [
        _since(each, version, present.get(each), ended.get(each, []), at) for each, version in wanted.items()
    ]


def _since(
    memory: UUID, cited: int | None, now: Memory | None, ended: Sequence[MemoryVersion], at: datetime
) -> Since:
    if now is None:
        return Since(str(memory), "", "", None, None, "gone")
    # a record without a version used the one current at the time
    then: Any = next(
        (each for each in ended if (each.version == cited if cited else each.known_to > at)), None
    )
    if then is None and (cited is None or cited == now.version):
        then = now
    return Since(
        id=str(memory),
        then=then.content[:SHOWN] if then is not None else "",
        now=now.content[:SHOWN],
        version_then=then.version if then is not None else cited,
        version_now=now.version,
        state=str(now.state),
        link=reverse("admin:memory_memory_change", args=[memory]),
    )
