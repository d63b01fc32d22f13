"""The trust state that a change of a memory wishes for, carried out by the correction that leads there."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import Actor
from memory.queries import get_memory
from memory.trust import corrections
from memory.trust.corrections import REJECTABLE, Changed
from memory.trust.revision import Revised, commit_revision, prepare_revision
from memory.types import LIVING, TrustState

S = TrustState


def revise_as_wished(
    *,
    organisation: UUID,
    by: Actor,
    memory: UUID,
    changes: dict[str, object],
    wish: TrustState | None,
    version: int | None,
    reason: str = "",
    may_reinstate: bool = False,
) -> Revised:
    """Change a memory, then its trust state if a correction leads to the one wished for, in one transaction.

    Active is a confirmation, contested and rejected are what they are called. No correction leads to another state, or from where the
    memory is: then its state stays. A text that was flagged for a rejected value stays a candidate.

    Args:
        organisation: whose.
        by: who changes it.
        memory: which.
        changes: see `memory.trust.revision.revise`.
        wish: the state wished for; None for whichever it has.
        version: the version the changes were made from; None for whichever is there.
        reason: why, in words.
        may_reinstate: take back a rejection too.

    Returns:
        The memory after both: version, state and decision are the correction's where there was one.

    Raises:
        As `revise`.
    """
    prepared = prepare_revision(organisation=organisation, memory=memory, changes=changes, version=version)
    if wish is None:
        return commit_revision(organisation=organisation, by=by, prepared=prepared, reason=reason)
    with tenant_transaction(organisation):
        revised = commit_revision(organisation=organisation, by=by, prepared=prepared, reason=reason)
        state = S(get_memory(organisation=organisation, memory=memory).state)
        changed = _correct(organisation, by, revised, state, wish, reason, may_reinstate=may_reinstate)
    if changed is None:
        return revised
    return replace(revised, version=changed.version, state=changed.state, decision=changed.decision)


def _correct(
    organisation: UUID,
    by: Actor,
    revised: Revised,
    state: TrustState,
    wish: TrustState,
    reason: str,
    *,
    may_reinstate: bool,
) -> Changed | None:
    """Carry out the correction that leads from a state to the one wished for; None where none does."""
    asked: dict[str, Any] = {
        "organisation": organisation, "by": by, "memory": revised.id, "reason": reason, "version": revised.version,
    }  # fmt: skip
    # a wish is never believed more than the text allows: who vouches for it confirms it afterwards
    if wish == state or (revised.flagged is not None and wish in (S.ACTIVE, S.CONTESTED)):
        return None
    if wish is S.ACTIVE and (state in LIVING or (state is S.REJECTED and may_reinstate)):
        return corrections.confirm(**asked, may_reinstate=may_reinstate)
    if wish is S.CONTESTED and state in (S.CANDIDATE, S.ACTIVE):
        return corrections.contest(**asked)
    if wish is S.REJECTED and state in REJECTABLE:
        return corrections.reject(**asked)
    return None
