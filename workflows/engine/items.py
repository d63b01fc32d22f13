"""Steps that map over a list: one item per element, a few at a time; the step ends with its last item.

Meanwhile the step itself is running without a claim, and its row counts the open items.
"""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.conf import settings

from liftos.kernel.db.transactions import raw_cursor, tenant_pipeline
from liftos.kernel.errors import InvalidInput
from liftos.kernel.ids import new_id
from workflows.definition import MAX_MAP_ITEMS
from workflows.definition.sizes import utf8_bytes
from workflows.definition.types import TooLarge
from workflows.engine import endings
from workflows.engine.claims import Claim, claim_from, lease_values
from workflows.engine.machine import describe
from workflows.engine.runs import RunInfo
from workflows.engine.statements import BY_INDEX, END_ITEM, FAN_OUT, ITEMS
from workflows.errors import Fenced
from workflows.types import NOT_AN_ITEM, RunStatus, StepStatus


class NotAList(InvalidInput):
    """The step's map is not a list, or too long."""


class ItemsFailed(RuntimeError):
    """Some items of a step failed; the others' results are kept."""


def fan_out(claim: Claim, values: Any, limit: int) -> int:
    """Create an item for each value, the first `limit` of them ready; return the number of ready ones.

    Raises:
        NotAList: `values` is not a list, or too long.
        Fenced: the worker no longer holds the claim.
    """
    if not isinstance(values, list):
        raise NotAList("A step can only map over a list.", loc=("map",))
    if len(values) > MAX_MAP_ITEMS:
        raise NotAList(f"A step can map over at most {MAX_MAP_ITEMS} items, not {len(values)}.", loc=("map",))
    with tenant_pipeline(claim.organisation):
        running = endings.lock_run(claim.organisation, claim.run) is RunStatus.RUNNING
        start = min(limit, len(values)) if running else 0
        row = raw_cursor().execute(
            FAN_OUT,
            {
                "organisation": claim.organisation,
                "run": claim.run,
                "step": claim.step,
                "token": claim.token,
                "name": claim.name,
                "count": len(values),
                "start": start,
                "ids": [new_id() for _ in values],
                "values": [endings.as_json(value) for value in values],
                "reason": f"maps over {len(values)} items",
                "worker": lease_values()["worker"],
            },
        ).fetchone()  # fmt: skip
        if row is None or not row[0]:
            raise Fenced
    return start


def end_item(
    claim: Claim,
    info: RunInfo,
    status: StepStatus,
    *,
    decision: UUID,
    result: str | None = None,
    error: dict[str, Any] | None = None,
    reason: str = "",
    hand_over: bool = True,
) -> endings.AfterCommit:
    """End an item, start the next, and end the step with its last item; inside the caller's `fenced_pipeline`.

    Returns:
        A function to call after the commit; it returns the claim of the next item, or of a child of the step.

    Raises:
        Fenced: the worker no longer holds the claim.
    """
    raw_cursor().execute(BY_INDEX)
    endings.lock_run(claim.organisation, claim.run)
    token = new_id()
    values = lease_values() | {
        "organisation": claim.organisation,
        "run": claim.run,
        "step": claim.step,
        "token": claim.token,
        "name": claim.name,
        "status": str(status),
        "result": result,
        "error": None if error is None else json.dumps(error),
        "decision": decision,
        "reason": reason[:500],
        "hand_over": hand_over,
        "next": token,
    }
    row = raw_cursor().execute(END_ITEM, values).fetchone()
    if row is None:
        raise Fenced
    step, still_open, *columns, next_status = row
    if not still_open:
        return _end_map(claim, info, step, hand_over=hand_over)
    following = claim_from(claim.organisation, token, columns) if next_status == StepStatus.RUNNING else None
    return lambda: following


def _end_map(claim: Claim, info: RunInfo, step: UUID, *, hand_over: bool) -> endings.AfterCommit:
    rows = raw_cursor().execute(
        ITEMS,
        {
            "organisation": claim.organisation, "run": claim.run, "name": claim.name,
            "most": settings.LIFTOS_WORKFLOW_RESULT_BYTES,
        },
    ).fetchall()  # fmt: skip
    errors = {
        str(place): json.loads(error)
        for place, (status, _, error, _) in enumerate(rows)
        if status == "failed"
    }
    # if the results are too large together, the statement returned none
    results = [None if result is None else json.loads(result) for _, result, _, _ in rows]
    kept, text = _outcome(results, errors, int(rows[0][3]) if rows else 0)
    whole = replace(claim, step=step, item=NOT_AN_ITEM, token=None, attempt=1)
    why = f"its {len(rows)} items have ended, {len(errors)} failed"
    status = StepStatus.FAILED if kept else StepStatus.DONE
    decision = endings.record_transition(
        whole, info, status, why, {"items": len(rows), "failed": len(errors)}
    )
    handed = endings.end_step(
        whole,
        info,
        status,
        decision=decision,
        result=text,
        error=kept,
        reason=kept["message"] if kept else "",
        hand_over=hand_over,
    )

    def committed() -> Claim | None:
        if kept is None:
            info.remember(claim.name, results, utf8_bytes(text or ""))
        return handed()

    return committed


def _outcome(
    results: list[Any], errors: dict[str, Any], size: int
) -> tuple[dict[str, Any] | None, str | None]:
    """Return a map's error and its result as JSON, either may be None.

    Args:
        results: of the items.
        errors: of failed items, by index.
        size: bytes of all results together.
    """
    text = None
    try:
        if size > settings.LIFTOS_WORKFLOW_RESULT_BYTES:
            raise endings.too_large(f"The results of {len(results)} items have {size} bytes.")
        text = endings.as_json(results)
    except TooLarge as error:
        return describe(error) | ({"items": errors} if errors else {}), None
    if not errors:
        return None, text
    return describe(ItemsFailed(f"{len(errors)} of {len(results)} items failed")) | {"items": errors}, text
