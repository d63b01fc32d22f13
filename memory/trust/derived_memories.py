"""What becomes of memories that were made from one that no longer holds: erased, rejected or superseded.

Found through `derived_from`, also of those made from them in turn; a circle ends where it began. The organisation's policy
decides, in the transaction that takes the source away:

| policy | active | contested | candidate |
|---|---|---|---|
| contest (the default) | contested | stays | stays: contested ones are found, and it is not |
| hide | candidate: no search finds it unless asked for | candidate | stays |
| keep | stays | stays | stays |

One decision for all of them names the source and why; it follows from the decision that took the source away. What is rejected,
superseded or expired already is left alone. A source that is confirmed again gives them nothing back: others may doubt them for
reasons of their own by then. Confirm each, or overturn the decision that contested them, which confirms them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from accountability.erasure import cite
from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.tenancy.types import Actor
from memory.analysis.value_keys import folded_number, value_keys
from memory.analysis.values import cores
from memory.policies import DERIVED_POLICY
from memory.policy_types import Policy
from memory.trust.state_changes import change_state
from memory.types import TrustState

MOST = 10_000
"""So many memories are looked at for one source; where there are more, the receipt says so."""
SHOWN = 1_000
"""So many are named in a receipt."""

# UNION, not UNION ALL: what was reached once is not gone on from again, so circles end
_REACHED = """
WITH RECURSIVE reached(id) AS (
    SELECT l.memory_id FROM memory_memorylink AS l
    WHERE l.organisation_id = %(organisation)s AND l.target_id = ANY(%(sources)s) AND l.kind = 'derived_from'
    UNION
    SELECT l.memory_id FROM reached AS r JOIN memory_memorylink AS l
    ON l.organisation_id = %(organisation)s AND l.target_id = r.id AND l.kind = 'derived_from'
)
SELECT id FROM reached WHERE id <> ALL(%(apart)s) LIMIT %(limit)s
"""
# locked in the order of their ids, as everybody does
_STATES = """
SELECT id, state FROM memory_memory WHERE organisation_id = %s AND id = ANY(%s) AND head IS NULL ORDER BY id FOR UPDATE
"""
_SAYING = """
SELECT id, content FROM memory_memory WHERE organisation_id = %s AND id = ANY(%s) AND value = ANY(%s) AND head IS NULL
ORDER BY id FOR UPDATE
"""
_FROM = {
    Policy.CONTEST: (TrustState.ACTIVE,),
    Policy.HIDE: (TrustState.ACTIVE, TrustState.CONTESTED),
    Policy.KEEP: (),
}
_TO = {Policy.CONTEST: TrustState.CONTESTED, Policy.HIDE: TrustState.CANDIDATE}
OPERATIONS = {Policy.CONTEST: "memory.contest", Policy.HIDE: "memory.hide"}


class Because(StrEnum):
    """How a source was taken away."""

    ERASED = "erased"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Derived:
    """The memories made from some sources, locked, and what is to become of them.

    Attributes:
        policy: the organisation's.
        found: all of them, at most MOST.
        changing: those that the policy changes.
        more: there are more than MOST, which were left alone.
        decision: by which they were changed; None before, and where none was.
    """

    policy: Policy
    found: tuple[UUID, ...] = ()
    changing: tuple[UUID, ...] = ()
    more: bool = False
    decision: UUID | None = None

    @property
    def counts(self) -> dict[str, Any]:
        """Return what receipts and decisions say of them."""
        changed = {each: len(self.changing) if each is self.policy else 0 for each in OPERATIONS}
        return {
            "policy": str(self.policy),
            "found": len(self.found),
            "contested": changed[Policy.CONTEST],
            "hidden": changed[Policy.HIDE],
            "left_alone": len(self.found) - len(self.changing),
            "more": self.more,
            "decision_id": str(self.decision) if self.decision else None,
        }


def find_derived(organisation: UUID, sources: Sequence[UUID], *, apart: Sequence[UUID] = ()) -> Derived:
    """Return the memories made from sources, and lock them; inside the transaction, before the sources go.

    Args:
        organisation: whose.
        sources: what no longer holds, locked.
        apart: memories that are made from them and stay as they are: what takes a source's place.
    """
    policy = DERIVED_POLICY.get(organisation=organisation)
    values = {
        "organisation": organisation,
        "sources": list(sources),
        "apart": [*sources, *apart],
        "limit": MOST + 1,
    }
    with raw_cursor() as cursor:
        reached = [row[0] for row in cursor.execute(_REACHED, values).fetchall()]
        if not reached:
            return Derived(policy)
        rows = cursor.execute(_STATES, (organisation, reached[:MOST])).fetchall()
    changing = tuple(id_ for id_, state in rows if state in _FROM[policy])
    return Derived(policy, tuple(row[0] for row in rows), changing, len(reached) > MOST)


def find_copies(organisation: UUID, sources: Sequence[UUID], texts: Sequence[str]) -> list[UUID]:
    """Return the memories made from sources that say what a text says, however it is written, and lock them.

    Args:
        organisation: whose.
        sources: the memories, locked.
        texts: what they say and said.
    """
    said = {core for text in texts for core in cores(text)[:1]}
    numbers = {folded_number(value_keys(organisation, text)) for text in texts} - {None}
    values = {
        "organisation": organisation,
        "sources": list(sources),
        "apart": list(sources),
        "limit": MOST,
    }
    with raw_cursor() as cursor:
        reached = [row[0] for row in cursor.execute(_REACHED, values).fetchall()]
        if not reached or not numbers:
            return []
        rows = cursor.execute(_SAYING, (organisation, reached, list(numbers))).fetchall()
    return [id_ for id_, content in rows if said.intersection(cores(content)[:1])]


def settle_derived(
    organisation: UUID, by: Actor, derived: Derived, *, source: UUID, because: Because, parent: UUID
) -> Derived:
    """Carry out the policy on memories that `find_derived` returned; return them with their decision.

    Args:
        organisation: whose.
        by: who took the source away.
        derived: the memories.
        source: of which they were made, the first where there were several.
        because: what became of it.
        parent: the decision about it.
    """
    if not derived.changing:
        return derived
    operation, state = OPERATIONS[derived.policy], _TO[derived.policy]
    reason = f"Derived from {source}, which was {because}."
    decision = record(
        organisation=organisation,
        by=by,
        operation=operation,
        effect=Effect.WRITE,
        subject=("memory", str(derived.changing[0])) if len(derived.changing) == 1 else ("", ""),
        reasoning=f"{reason} The policy is to {derived.policy} what was made from it: {len(derived.changing)} memories.",
        inputs={"source": str(source), "because": str(because), "policy": str(derived.policy)},
        outputs={name: value for name, value in derived.counts.items() if name != "decision_id"},
        memories=[{"id": str(each)} for each in derived.changing],
        parents=[parent],
    )
    cite(organisation=organisation, decision=decision, memories=derived.changing)
    change_state(
        organisation,
        derived.changing,
        state,
        operation=operation,
        reason=reason,
        by=by,
        decision=decision,
    )
    return Derived(derived.policy, derived.found, derived.changing, derived.more, decision)
