"""The actor and scopes that a step executes with.

A run has the scopes it was started with, limited to the current scopes of its starter and of whoever last resumed or reran it.
So revoking, narrowing or deleting a key, its expiry, or removing a person's role takes effect on running workflows: the next step
that needs a lost scope fails, names it, and writes nothing.
"""

from dataclasses import replace
from time import monotonic

from liftos.kernel.db.transactions import raw_cursor, tenant_pipeline
from liftos.kernel.db.viewers import ORGANISATION_SCOPE, Viewer
from liftos.kernel.functions import find_function
from liftos.kernel.tenancy.authority import missing_scopes, scopes_now, viewer_now
from liftos.kernel.tenancy.known_keys import KEEP_SECONDS
from liftos.kernel.tenancy.types import Actor, Principal, Scope, with_implied
from workflows.definition.plan import Plan
from workflows.engine.runs import RunInfo, last_party, run_viewer
from workflows.engine.statements import READ_PARTIES
from workflows.errors import AuthorityLost, Fenced
from workflows.step_scopes import child_scopes, key_of


def require_authority(info: RunInfo, step: str, function: str) -> Principal:
    """Return the principal a step runs as, with its current scopes.

    Args:
        info: the step's run.
        step: its name.
        function: with version; empty if the step calls nothing.

    Raises:
        AuthorityLost: a party lost a scope that the step needs, or all access; the message names the step and the scope.
        Fenced: the run was deleted.
    """
    allowed = with_implied(info.principal.scopes)
    needed = _scopes_of(function)
    if step in info.plan.steps:
        needed |= child_scopes(info.plan.steps[step])
    # a party that could run workflows at the start must still be allowed to
    needed |= {Scope.WORKFLOWS_RUN} & allowed
    for party in _parties(info):
        now = scopes_now(organisation=info.organisation, actor=party)
        if missing := missing_scopes(needed, now):
            raise AuthorityLost(
                f"Step {step} needs the scope {missing[0]}, which {party.kind} {party.id} no longer has."
            )
        if not now:
            raise AuthorityLost(f"Step {step} can't run: {party.kind} {party.id} no longer has access.")
        allowed &= now
    if missing := missing_scopes(needed, allowed):
        raise AuthorityLost(f"Step {step} needs the scope {missing[0]}, which its run was not started with.")
    viewer = _viewer(info)
    if viewer.principal is not None and viewer.own is None and info.scope != ORGANISATION_SCOPE:
        raise AuthorityLost(
            f"Step {step} can't run: its run was started for a principal that may no longer read it."
        )
    return replace(info.principal, scopes=allowed, viewer=viewer)


def scopes_of_plan(plan: Plan) -> frozenset[Scope]:
    """Return all scopes that the steps of a plan need."""
    return frozenset().union(
        *(_scopes_of(key_of(step)) | child_scopes(step) for step in plan.definition.steps)
    )


def _scopes_of(function: str) -> frozenset[Scope]:
    found = find_function(function) if function else None
    return frozenset(found.scopes) if found is not None else frozenset()


def _viewer(info: RunInfo) -> Viewer:
    viewer = info.principal.viewer
    if monotonic() - info.seen_at >= KEEP_SECONDS:
        now = viewer_now(
            organisation=info.organisation,
            actor=info.principal.actor,
            principal=viewer.principal,
            groups=viewer.groups,
        )
        viewer = run_viewer(now, info.scope)
        info.principal, info.seen_at = replace(info.principal, viewer=viewer), monotonic()
    return viewer


def _parties(info: RunInfo) -> list[Actor]:
    """Return the run's starter and whoever last resumed or reran it; the latter is reread after KEEP_SECONDS, like keys."""
    if monotonic() - info.read_at >= KEEP_SECONDS:
        with tenant_pipeline(info.organisation):
            row = raw_cursor().execute(READ_PARTIES, (info.organisation, info.id)).fetchone()
        if row is None:
            raise Fenced
        info.resumed_by, info.read_at = last_party(row[0]), monotonic()
    starter = info.principal.actor
    return [starter] if info.resumed_by in (None, starter) else [starter, info.resumed_by]
