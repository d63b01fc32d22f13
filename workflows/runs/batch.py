"""The old platform's batch search: one run, executed by the caller, in one transaction with the searches and their record.

The run has one step, `memory.search_many`, with a task for each query. All rows are written at the end, because no other
transaction could see them earlier. The tasks store only the number of hits, so an erasure has nothing to remove here.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from uuid import UUID

from accountability.operations import record
from liftos.kernel.db.transactions import raw_cursor, tenant_pipeline
from liftos.kernel.functions import get_function
from liftos.kernel.ids import new_id
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Principal
from memory.search.service import prepare_search, search_many_prepared
from memory.search.types import Hit, SearchRequest
from workflows.engine.claims import worker_name
from workflows.engine.runs import scope_of_start
from workflows.engine.starting import CODE_DIGITS, run_values
from workflows.runs.statements import WRITE_BATCH
from workflows.types import RunStatus

NAME = "batch_search"
STEP = "search_memory"


@dataclass(frozen=True, slots=True)
class Batch:
    """The hits of a batch, in the order of its queries, and the code of its run."""

    code: str
    hits: list[list[Hit]]


def search_batch(*, principal: Principal, queries: Sequence[str], request: SearchRequest) -> Batch:
    """Search for each of several queries, as one run.

    Args:
        principal: the caller.
        queries: if empty, the run has no tasks.
        request: the options shared by all queries; its own query is ignored.
    """
    organisation, run, started = principal.organisation, new_id(), perf_counter()
    with observe_operation("workflow.batch", organisation=str(organisation), count=len(queries)) as span:
        prepared = prepare_search(organisation, queries, request) if queries else None
        with tenant_pipeline(organisation):
            if prepared is not None:
                answers = search_many_prepared(prepared=prepared, by=principal.actor)
                hits, decision = answers.hits, answers.decision
            else:
                hits, decision = [], _record_nothing(principal)
            _write(principal, run, decision, hits, perf_counter() - started, request)
        span.set_tag("run_id", str(run))
    return Batch(run.hex[-CODE_DIGITS:], hits)


def _record_nothing(principal: Principal) -> UUID:
    return record(
        organisation=principal.organisation,
        by=principal.actor,
        operation="memory.search_many",
        effect="read",
        reasoning="The batch has no queries.",
        inputs={"queries": []},
    )


def _write(
    principal: Principal,
    run: UUID,
    decision: UUID,
    hits: Sequence[Sequence[Hit]],
    took: float,
    request: SearchRequest,
) -> None:
    rows = [new_id() for _ in range(len(hits) + 1)]
    values = run_values(
        organisation=principal.organisation,
        by=principal.actor,
        scopes=sorted(str(scope) for scope in principal.scopes),
        name=NAME,
        status=RunStatus.COMPLETED,
        decision=decision,
        run=run,
        scope=scope_of_start(principal.viewer),
        viewer=principal.viewer,
        parameters={"queries": len(hits), "search_type": str(request.search_type), "limit": request.limit},
    )
    for unused in ("version", "status", "metadata", "open_steps"):
        del values[unused]
    counts = [len(found) for found in hits]
    values |= {
        "took": took,
        "step": STEP,
        "function": get_function("memory.search_many").key,
        "worker": worker_name(),
        "ids": rows,
        "first": rows[0],
        "results": [
            json.dumps({"counts": counts, "decision_id": str(decision)}),
            *(f'{{"count": {count}}}' for count in counts),
        ],
    }
    raw_cursor().execute(WRITE_BATCH, values)
