"""A run as a worker sees it while executing its steps."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Event
from time import monotonic
from typing import Any
from uuid import UUID

from django.conf import settings

from liftos.kernel.db.transactions import raw_cursor, tenant_pipeline
from liftos.kernel.db.viewers import ORGANISATION_SCOPE, Viewer
from liftos.kernel.errors import NotFound
from liftos.kernel.telemetry.tracing.context import RequestContext, start_context
from liftos.kernel.tenancy.authority import viewer_now
from liftos.kernel.tenancy.types import Actor, ActorKind, Principal, Scope
from workflows.definition.plan import Plan, plan_from
from workflows.definition.types import TooLarge
from workflows.engine.statements import READ_DEFINITION, READ_RESULTS, READ_RUN
from workflows.errors import Fenced
from workflows.types import RunStatus

READ_TIMES = 4
"""A step may refer to results of this many times LIFTOS_WORKFLOW_RESULT_BYTES in total."""


@dataclass(slots=True)
class RunInfo:
    """A run, shared by the steps that a process executes.

    Attributes:
        principal: the starter, with its scopes at that time; workflows.engine.authority determines the current ones.
        decision: the record of its start.
        scope: who may read it.
        resumed_by: who last resumed or reran it.
        read_at: when `resumed_by` was read, on the monotonic clock.
        seen_at: when the principal's viewer was read.
        results: cached results of ended steps, at most as large as one step may read.
        held: their size in bytes of JSON.
        item_bytes: total size of the item results produced with this object, by step.
        ended: the final status, once a step executed with this object has ended the run.
        news: set when steps become ready or the run has ended, for a waiting thread.
    """

    id: UUID
    name: str
    principal: Principal
    parameters: dict[str, Any]
    metadata: dict[str, Any]
    correlation_id: str
    traceparent: str
    decision: UUID
    plan: Plan
    scope: int = ORGANISATION_SCOPE
    resumed_by: Actor | None = None
    read_at: float = field(default_factory=monotonic)
    seen_at: float = field(default_factory=monotonic)
    results: dict[str, Any] = field(default_factory=dict)
    held: int = 0
    item_bytes: dict[str, int] = field(default_factory=dict)
    ended: RunStatus | None = None
    news: Event | None = None

    @property
    def organisation(self) -> UUID:
        """The run's organisation."""
        return self.principal.organisation

    def notify(self) -> None:
        """Wake the thread that waits for the run."""
        if self.news is not None:
            self.news.set()

    def end(self, status: RunStatus) -> None:
        """Note the run's final status; call it after the commit."""
        self.ended = status
        self.notify()

    def context(self) -> RequestContext:
        """Return a context that continues the trace in which the run was started."""
        return start_context(self.correlation_id, self.traceparent)

    def remember(self, name: str, result: Any, size: int) -> None:
        """Cache a result for later steps; drop all others first if the total would be too large."""
        if self.held + size > most_read():
            self.results.clear()
            self.held = 0
        self.results[name] = result
        self.held += size

    def require_room(self, name: str, size: int) -> None:
        """Check that an item's result fits together with the map's earlier ones.

        Raises:
            TooLarge: the results are larger than LIFTOS_WORKFLOW_RESULT_BYTES in total.
        """
        most = int(settings.LIFTOS_WORKFLOW_RESULT_BYTES)
        if self.item_bytes.get(name, 0) + size > most:
            raise TooLarge(
                f"The item results of step {name} exceed {most} bytes in total (LIFTOS_WORKFLOW_RESULT_BYTES)."
            )

    def results_for(self, name: str) -> dict[str, Any]:
        """Return the results that a step refers to, reading those not cached.

        Raises:
            TooLarge: their total size is more than one step may read.
        """
        needed = self.plan.needs[name]
        missing = needed - self.results.keys()
        if not missing:
            return self.results
        with tenant_pipeline(self.organisation):
            found, size = read_results(self.organisation, self.id, missing)
            if found is None or self.held + size > most_read():
                self.results.clear()
                self.held = 0
                found, size = read_results(self.organisation, self.id, needed)
        if found is None:
            raise TooLarge(
                f"The results that step {name} refers to have {size} bytes in total; the limit is {most_read()} "
                f"({READ_TIMES} times LIFTOS_WORKFLOW_RESULT_BYTES)."
            )
        self.results |= found
        self.held += size
        return self.results


def load_run(*, organisation: UUID, run: UUID) -> RunInfo:
    """Read a run.

    Raises:
        Fenced: it was deleted.
    """
    with tenant_pipeline(organisation), raw_cursor() as cursor:
        row = cursor.execute(READ_RUN, (organisation, run)).fetchone()
    if row is None:
        raise Fenced
    (
        name,
        parameters,
        metadata,
        kind,
        actor,
        behalf,
        scopes,
        correlation,
        trace,
        decision,
        version,
        slug,
        parties,
        scope,
        acts_as,
        groups,
    ) = row
    by = Actor(ActorKind(kind), actor, behalf)
    starter = viewer_now(organisation=organisation, actor=by, principal=acts_as, groups=groups)
    return RunInfo(
        id=run,
        name=name,
        principal=Principal(
            organisation,
            slug,
            by,
            frozenset(map(Scope, scopes)),
            run_viewer(starter, scope),
        ),
        parameters=json.loads(parameters),
        metadata=json.loads(metadata),
        correlation_id=correlation,
        traceparent=trace,
        decision=decision,
        plan=load_plan(organisation, version),
        scope=scope,
        resumed_by=last_party(parties),
    )


def scope_of_start(viewer: Viewer) -> int:
    """Return who may read the runs that a viewer starts: its principal alone, for they may quote what only it sees."""
    return ORGANISATION_SCOPE if viewer.own is None else viewer.own


def run_viewer(starter: Viewer, scope: int) -> Viewer:
    """Return what the steps of a run may see: what the starter sees, but nothing that others than the run's readers could not.

    Args:
        starter: as it is now.
        scope: of the run.
    """
    if scope == starter.own or starter.everything:
        return starter
    seen = (scope,) if scope != ORGANISATION_SCOPE and starter.sees(scope) else ()
    return Viewer(seen, starter.principal, seen[0] if seen else None, groups=starter.groups)


def last_party(parties: str) -> Actor | None:
    """Return who last resumed or reran a run, from the JSON in its row; None if nobody has."""
    listed = read_parties(json.loads(parties))
    return listed[-1] if listed else None


def read_parties(listed: Iterable[dict[str, str]]) -> list[Actor]:
    """Return the actors that resumed or reran a run, in order, from its `parties`."""
    return [Actor(ActorKind(each["kind"]), each["id"], each["on_behalf_of"]) for each in listed]


def most_read() -> int:
    """Return the maximum total size in bytes of the results that one step refers to."""
    return READ_TIMES * int(settings.LIFTOS_WORKFLOW_RESULT_BYTES)


def read_results(organisation: UUID, run: UUID, names: Iterable[str]) -> tuple[dict[str, Any] | None, int]:
    """Return the results of done and skipped (null) steps by name, and their total size in bytes.

    If the size is more than one step may read, the results are None.
    """
    rows = raw_cursor().execute(READ_RESULTS, (organisation, run, list(names), most_read())).fetchall()
    size = int(rows[0][2]) if rows else 0
    if size > most_read():
        return None, size
    return {name: None if result is None else json.loads(result) for name, result, _ in rows}, size


@lru_cache(maxsize=512)  # published versions never change
def load_plan(organisation: UUID, version: UUID) -> Plan:
    """Return the plan of a published version.

    Raises:
        NotFound: there is no such version; this is not cached.
    """
    with tenant_pipeline(organisation), raw_cursor() as cursor:
        row = cursor.execute(READ_DEFINITION, (organisation, version)).fetchone()
    if row is None:
        raise NotFound
    return plan_from(json.loads(row[0]))
