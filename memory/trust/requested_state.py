"""Change a memory together with its requested trust state."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import Actor
from memory.queries import get_memory
from memory.trust import corrections
from memory.trust.corrections import REJECTABLE, Changed
from memory.trust.revision import Revised, commit_revision, prepare_revision
from memory.trust.visibility_change import change_visibility
from memory.types import LIVING, TrustState, VisibleTo

S = TrustState


def revise_with_state(
    *,
    organisation: UUID,
    by: Actor,
    memory: UUID,
    changes: dict[str, object],
    requested: TrustState | None,
    version: int | None,
    reason: str = "",
    may_reinstate: bool = False,
    visible_to: VisibleTo | None = None,
) -> Revised:
    """Change a memory and then, by a correction, its trust state, and who may see it, in one transaction.

    The states active, contested and rejected are reached by confirming, contesting and rejecting. If no correction leads from the
    memory's state to the requested one, the state stays. A memory flagged for its new text stays a candidate.

    Args:
        organisation: the tenant.
        by: the actor.
        memory: its id.
        changes: see `memory.trust.revision.revise`.
        requested: the requested state, if any.
        version: the version the changes are based on; None for the current one.
        reason: free text.
        may_reinstate: whether the caller may take back a rejection, and change who sees memories of others.
        visible_to: who may see it from now on; None to leave it.

    Returns:
        The memory after both; version, state and decision are the correction's, if any.

    Raises:
        As `revise`.
    """
    prepared = prepare_revision(organisation=organisation, memory=memory, changes=changes, version=version)
    if requested is None and visible_to is None:
        return commit_revision(organisation=organisation, by=by, prepared=prepared, reason=reason)
    with tenant_transaction(organisation):
        revised = commit_revision(organisation=organisation, by=by, prepared=prepared, reason=reason)
        if requested is not None:
            revised = _with_state(organisation, by, revised, requested, reason, may_reinstate=may_reinstate)
        if visible_to is not None:
            moved = change_visibility(
                organisation=organisation,
                by=by,
                memory=memory,
                wanted=visible_to,
                version=revised.version,
                reason=reason,
                may_curate=may_reinstate,
            )
            if moved.decision is not None:
                revised = replace(revised, version=moved.version, decision=moved.decision)
    return revised


def _with_state(
    organisation: UUID,
    by: Actor,
    revised: Revised,
    requested: TrustState,
    reason: str,
    *,
    may_reinstate: bool,
) -> Revised:
    state = S(get_memory(organisation=organisation, memory=revised.id).state)
    changed = _correct(organisation, by, revised, state, requested, reason, may_reinstate=may_reinstate)
    if changed is None:
        return revised
    return replace(revised, version=changed.version, state=changed.state, decision=changed.decision)


def _correct(
    organisation: UUID,
    by: Actor,
    revised: Revised,
    state: TrustState,
    requested: TrustState,
    reason: str,
    *,
    may_reinstate: bool,
) -> Changed | None:
    """Carry out the correction that leads to the requested state, if there is one."""
    asked: dict[str, Any] = {
        "organisation": organisation, "by": by, "memory": revised.id, "reason": reason, "version": revised.version,
    }  # fmt: skip
    # a flagged text must be confirmed separately
    doubtful = revised.flagged is not None or (revised.secrets is not None and revised.secrets.is_flagged)
    if requested == state or (doubtful and requested in (S.ACTIVE, S.CONTESTED)):
        return None
    if requested is S.ACTIVE and (state in LIVING or (state is S.REJECTED and may_reinstate)):
        return corrections.confirm(**asked, may_reinstate=may_reinstate)
    if requested is S.CONTESTED and state in (S.CANDIDATE, S.ACTIVE):
        return corrections.contest(**asked)
    if requested is S.REJECTED and state in REJECTABLE:
        return corrections.reject(**asked)
    return None
