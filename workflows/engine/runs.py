"""What a worker knows of a run while it carries out its steps."""

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
from liftos.kernel.errors import NotFound
from liftos.kernel.telemetry.tracing.context import RequestContext, start_context
from liftos.kernel.tenancy.types import Actor, ActorKind, Principal, Scope
from workflows.definition.plan import Plan, plan_from
from workflows.definition.types import TooLarge
from workflows.engine.statements import READ_DEFINITION, READ_RESULTS, READ_RUN
from workflows.errors import Fenced
from workflows.types import RunStatus

READ_TIMES = 4
"""Results that one step refers to may have so many times LIFTOS_WORKFLOW_RESULT_BYTES together: it may need little of each."""


@dataclass(slots=True)
class RunInfo:
    """A run as its steps are carried out in.

    Attributes:
        principal: who started it, with the scopes it had then; what of these holds now: workflows.engine.authority.
        decision: the record of its start.
        carried_on: who resumed it or ran it again last.
        read_at: when `carried_on` was read, on the monotonic clock.
        results: of steps that have ended, as far as they were asked for; not more than one step may read.
        held: bytes of JSON of those.
        of_items: bytes of the results of items that were carried out with this, by their step.
        ended: how the run ended, once a step carried out with this has ended it.
        news: set when there is more to carry out at once, or the run has ended; for somebody who waits.
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
    carried_on: Actor | None = None
    read_at: float = field(default_factory=monotonic)
    results: dict[str, Any] = field(default_factory=dict)
    held: int = 0
    of_items: dict[str, int] = field(default_factory=dict)
    ended: RunStatus | None = None
    news: Event | None = None

    @property
    def organisation(self) -> UUID:
        """Whose."""
        return self.principal.organisation

    def tell(self) -> None:
        """Have whoever waits for the run look at it."""
        if self.news is not None:
            self.news.set()

    def end(self, status: RunStatus) -> None:
        """Note how the run ended; after the commit."""
        self.ended = status
        self.tell()

    def context(self) -> RequestContext:
        """Return a context that continues the trace of who started the run."""
        return start_context(self.correlation_id, self.traceparent)

    def remember(self, name: str, result: Any, size: int) -> None:
        """Keep a result that a later step may refer to, instead of all others where they would be too much together."""
        if self.held + size > most_read():
            self.results.clear()
            self.held = 0
        self.results[name] = result
        self.held += size

    def require_room(self, name: str, size: int) -> None:
        """Refuse the result of an item with which a map's results would be too much together; those are counted in `of_items`.

        Raises:
            TooLarge: they would be.
        """
        most = int(settings.LIFTOS_WORKFLOW_RESULT_BYTES)
        if self.of_items.get(name, 0) + size > most:
            raise TooLarge(
                f"The results of the items of step {name} have more than {most} bytes together "
                "(LIFTOS_WORKFLOW_RESULT_BYTES)."
            )

    def results_for(self, name: str) -> dict[str, Any]:
        """Return the results that a step refers to, read where they are not known yet.

        Raises:
            TooLarge: they have more bytes together than one step may read.
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
                f"The results that step {name} refers to have {size} bytes together; at most {most_read()} are read "
                f"({READ_TIMES} times LIFTOS_WORKFLOW_RESULT_BYTES)."
            )
        self.results |= found
        self.held += size
        return self.results


def load_run(*, organisation: UUID, run: UUID) -> RunInfo:
    """Read a run.

    Raises:
        Fenced: it is gone.
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
    ) = row
    by = Actor(ActorKind(kind), actor, behalf)
    return RunInfo(
        id=run,
        name=name,
        principal=Principal(organisation, slug, by, frozenset(map(Scope, scopes))),
        parameters=json.loads(parameters),
        metadata=json.loads(metadata),
        correlation_id=correlation,
        traceparent=trace,
        decision=decision,
        plan=plan_of(organisation, version),
        carried_on=carried_on_by(parties),
    )


def carried_on_by(parties: str) -> Actor | None:
    """Return who let a run go on last, of the JSON that its row keeps; None if nobody has."""
    listed = read_parties(json.loads(parties))
    return listed[-1] if listed else None


def read_parties(listed: Iterable[dict[str, str]]) -> list[Actor]:
    """Return those who resumed a run or ran it again, in order, as its row keeps them."""
    return [Actor(ActorKind(each["kind"]), each["id"], each["on_behalf_of"]) for each in listed]


def most_read() -> int:
    """Return how many bytes the results may have together that one step refers to."""
    return READ_TIMES * int(settings.LIFTOS_WORKFLOW_RESULT_BYTES)


def read_results(organisation: UUID, run: UUID, names: Iterable[str]) -> tuple[dict[str, Any] | None, int]:
    """Return the results of those steps that have ended well, by name, of one that was skipped null; and their bytes.

    Where those are more than one step may read, None and the bytes.
    """
    with raw_cursor() as cursor:
        rows = cursor.execute(READ_RESULTS, (organisation, run, list(names), most_read())).fetchall()
    size = int(rows[0][2]) if rows else 0
    if size > most_read():
        return None, size
    return {name: None if result is None else json.loads(result) for name, result, _ in rows}, size


@lru_cache(maxsize=512)  # what is published never changes
def plan_of(organisation: UUID, version: UUID) -> Plan:
    """Return the plan of a published version.

    Raises:
        NotFound: there is none; that is not remembered.
    """
    with tenant_pipeline(organisation), raw_cursor() as cursor:
        row = cursor.execute(READ_DEFINITION, (organisation, version)).fetchone()
    if row is None:
        raise NotFound
    return plan_from(json.loads(row[0]))
