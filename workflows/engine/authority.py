"""As whom, and with what, a step is carried out at this moment.

A run may do what it was started with, as far as whoever started it may do that now, and whoever last resumed it or ran it again
too. So a key that is revoked, expired, narrowed or deleted, or a person who lost a role, takes effect on what is already under way:
the next step that needs what is gone fails, by name, and writes nothing.
"""

from dataclasses import replace
from time import monotonic

from liftos.kernel.db.transactions import raw_cursor, tenant_pipeline
from liftos.kernel.functions import find_function
from liftos.kernel.tenancy.authority import missing_scopes, scopes_now
from liftos.kernel.tenancy.known_keys import KEEP_SECONDS
from liftos.kernel.tenancy.types import Actor, Principal, Scope, with_implied
from workflows.definition.plan import Plan
from workflows.engine.runs import RunInfo, carried_on_by
from workflows.engine.statements import READ_PARTIES
from workflows.errors import AuthorityLost, Fenced


def require_authority(info: RunInfo, step: str, function: str) -> Principal:
    """Return who a step runs as, with what that party may do now.

    Args:
        info: the step's run.
        step: its name.
        function: what it calls, with version; empty for nothing.

    Raises:
        AuthorityLost: a scope that the step needs is gone, or the party as a whole; names the step and the scope.
        Fenced: the run is gone.
    """
    allowed = with_implied(info.principal.scopes)
    needed = _scopes_of(function)
    # who could run workflows when this one began must still be allowed to
    needed |= {Scope.WORKFLOWS_RUN} & allowed
    for party in _parties(info):
        now = scopes_now(organisation=info.organisation, actor=party)
        if missing := missing_scopes(needed, now):
            raise AuthorityLost(
                f"Step {step} needs the scope {missing[0]}, which {_named(party)} does not have now."
            )
        if not now:
            raise AuthorityLost(f"Step {step} can't run: {_named(party)} may do nothing here now.")
        allowed &= now
    if missing := missing_scopes(needed, allowed):
        raise AuthorityLost(f"Step {step} needs the scope {missing[0]}, which its run was not started with.")
    return replace(info.principal, scopes=allowed)


def scopes_of_plan(plan: Plan) -> frozenset[Scope]:
    """Return the scopes that the steps of a plan need, all together."""
    names = (
        f"{step.function}@{step.version}" if step.version else step.function for step in plan.definition.steps
    )
    return frozenset().union(*map(_scopes_of, names))


def _scopes_of(function: str) -> frozenset[Scope]:
    found = find_function(function) if function else None
    return frozenset(found.scopes) if found is not None else frozenset()


def _parties(info: RunInfo) -> list[Actor]:
    """Return who started the run, and who let it go on last; the latter is read anew after a second, as keys are."""
    if monotonic() - info.read_at >= KEEP_SECONDS:
        with tenant_pipeline(info.organisation):
            row = raw_cursor().execute(READ_PARTIES, (info.organisation, info.id)).fetchone()
        if row is None:
            raise Fenced
        info.carried_on, info.read_at = carried_on_by(row[0]), monotonic()
    starter = info.principal.actor
    return [starter] if info.carried_on in (None, starter) else [starter, info.carried_on]


def _named(party: Actor) -> str:
    return f"{party.kind} {party.id}"
