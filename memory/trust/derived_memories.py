"""Apply the policy for memories derived from one that is erased, rejected or superseded.

Derived memories are found through `derived_from` links, transitively; cycles are handled. The organisation's policy is applied in
the same transaction:

| policy | active | contested | candidate |
|---|---|---|---|
| contest (the default) | contested | stays | stays, because searches would return it as contested |
| hide | candidate, found only on request | candidate | stays |
| keep | stays | stays | stays |

One decision covers all of them, with the source and the reason, and follows from the decision about the source. Rejected,
superseded and expired memories are left alone. Confirming the source again does not restore derived memories, which may be contested
for other reasons by then. Confirm each, or overturn the decision that contested them, which confirms all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from accountability.erasure import cite
from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import raw_cursor, seeing_everything_here
from liftos.kernel.tenancy.types import Actor
from memory.analysis.value_keys import folded_number, value_keys
from memory.analysis.values import unmarked_forms
from memory.policies import DERIVED_POLICY
from memory.policy_types import Policy
from memory.trust.state_changes import change_state
from memory.trust.statements import FIND_DERIVED, LOCK_OF_VALUES, LOCK_STATES
from memory.types import TrustState

MOST = 10_000
"""Maximum derived memories per source; the receipt says if there are more."""
SHOWN = 1_000
"""Maximum derived memories listed in a receipt."""

_FROM = {
    Policy.CONTEST: (TrustState.ACTIVE,),
    Policy.HIDE: (TrustState.ACTIVE, TrustState.CONTESTED),
    Policy.KEEP: (),
}
_TO = {Policy.CONTEST: TrustState.CONTESTED, Policy.HIDE: TrustState.CANDIDATE}
OPERATIONS = {Policy.CONTEST: "memory.contest", Policy.HIDE: "memory.hide"}


class Because(StrEnum):
    """The change of a source."""

    ERASED = "erased"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Derived:
    """Locked memories derived from sources, and the policy to apply.

    Attributes:
        policy: the organisation's.
        found: the memories, at most MOST.
        changing: those that the policy changes.
        more: whether there are more than MOST; the rest is left alone.
        decision: the decision that changed them, if any.
    """

    policy: Policy
    found: tuple[UUID, ...] = ()
    changing: tuple[UUID, ...] = ()
    more: bool = False
    decision: UUID | None = None

    @property
    def counts(self) -> dict[str, Any]:
        """Return the counts for receipts and decisions."""
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
    """Find and lock the memories derived from sources, inside the transaction and before the sources change.

    Args:
        organisation: the tenant.
        sources: the sources, locked.
        apart: derived memories to leave alone, such as a source's successor.
    """
    policy = DERIVED_POLICY.get(organisation=organisation)
    values = {
        "organisation": organisation,
        "sources": list(sources),
        "apart": [*sources, *apart],
        "limit": MOST + 1,
    }
    # the policy is the organisation's, whoever sees them
    with seeing_everything_here(), raw_cursor() as cursor:
        reached = [row[0] for row in cursor.execute(FIND_DERIVED, values).fetchall()]
        if not reached:
            return Derived(policy)
        rows = cursor.execute(LOCK_STATES, (organisation, reached[:MOST])).fetchall()
    changing = tuple(id_ for id_, state in rows if state in _FROM[policy])
    return Derived(policy, tuple(row[0] for row in rows), changing, len(reached) > MOST)


def find_copies(organisation: UUID, sources: Sequence[UUID], texts: Sequence[str]) -> list[UUID]:
    """Find and lock the derived memories whose text has the same value as one of the texts.

    Args:
        organisation: the tenant.
        sources: the sources, locked.
        texts: their current and earlier texts.
    """
    said = {core for text in texts for core in unmarked_forms(text)[:1]}
    numbers = {folded_number(value_keys(organisation, text)) for text in texts} - {None}
    values = {
        "organisation": organisation,
        "sources": list(sources),
        "apart": list(sources),
        "limit": MOST,
    }
    with raw_cursor() as cursor:
        reached = [row[0] for row in cursor.execute(FIND_DERIVED, values).fetchall()]
        if not reached or not numbers:
            return []
        rows = cursor.execute(LOCK_OF_VALUES, (organisation, reached, list(numbers))).fetchall()
    return [id_ for id_, content in rows if said.intersection(unmarked_forms(content)[:1])]


def settle_derived(
    organisation: UUID, by: Actor, derived: Derived, *, source: UUID, because: Because, parent: UUID
) -> Derived:
    """Apply the policy to the memories from `find_derived`; return them with the decision.

    Args:
        organisation: the tenant.
        by: the actor.
        derived: the memories.
        source: their source, or the first of several.
        because: what happened to it.
        parent: the decision about it.
    """
    if not derived.changing:
        return derived
    with seeing_everything_here():
        return _settle(organisation, by, derived, source, because, parent)


def _settle(
    organisation: UUID, by: Actor, derived: Derived, source: UUID, because: Because, parent: UUID
) -> Derived:
    operation, state = OPERATIONS[derived.policy], _TO[derived.policy]
    reason = f"Derived from {source}, which was {because}."
    decision = record(
        organisation=organisation,
        by=by,
        operation=operation,
        effect=Effect.WRITE,
        subject=("memory", str(derived.changing[0])) if len(derived.changing) == 1 else ("", ""),
        reasoning=f"{reason} The policy is to {derived.policy} derived memories: {len(derived.changing)}.",
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
