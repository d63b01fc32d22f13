"""Finding what was dropped: steps whose worker is gone, retries that are due, ready steps whose hint was lost.

It runs in every worker, every second, and asks Postgres alone: nothing that a broker loses is lost.
"""

import logging
from uuid import UUID

import psycopg

from liftos.kernel.db.transactions import raw_cursor, tenant_pipeline, tenant_transaction
from liftos.kernel.jobs import send_hint
from workflows.engine.attempts import give_back
from workflows.engine.claims import Claim, claim_from
from workflows.engine.endings import lock_run
from workflows.engine.runs import load_run
from workflows.engine.statements import COUNT_UNCLAIMED, IS_STILL_LOST, LOST_CLAIMS, READY_DUE
from workflows.errors import Fenced
from workflows.queries import list_organisations_with_work

logger = logging.getLogger("liftos.workflows")

# steps of one organisation that a sweep gives back, and hints that it sends again
TOGETHER = 200
HINTS = 10

# whoever holds the run's row may itself have stopped in the middle: Postgres will end it, the next sweep looks again
_PATIENCE = "SET LOCAL lock_timeout = '1s'"


def sweep() -> int:
    """Look through all organisations that have something to find; return how many steps were found."""
    found = 0
    for organisation in list_organisations_with_work():
        try:
            found += sweep_one(organisation=organisation)
        except Fenced:
            continue
        except Exception:
            # one organisation's fault does not hold up the others
            logger.exception("a sweep failed", extra={"organisation": str(organisation)})
    return found


def sweep_one(*, organisation: UUID) -> int:
    """Give back what was lost, make ready what is due, and tell workers; return how many steps that were."""
    returned = sum(_return(claim) for claim in _lost(organisation))
    with tenant_transaction(organisation):
        due = make_due_ready(organisation=organisation)
        row = raw_cursor().execute(COUNT_UNCLAIMED, (organisation, HINTS)).fetchone()
    unclaimed = row[0] if row else 0
    for _ in range(min(HINTS, max(returned + due, unclaimed))):
        send_hint("workflows.work", organisation)
    return returned + due + unclaimed


def make_due_ready(*, organisation: UUID) -> int:
    """Make ready what waited to be tried again; inside the caller's tenant transaction. Return how many steps."""
    row = raw_cursor().execute(READY_DUE, {"organisation": organisation, "limit": TOGETHER}).fetchone()
    return row[0] if row else 0


def _lost(organisation: UUID) -> list[Claim]:
    with tenant_pipeline(organisation):
        rows = raw_cursor().execute(LOST_CLAIMS, {"organisation": organisation, "limit": TOGETHER}).fetchall()
    return [claim_from(organisation, token, columns) for token, *columns in rows]


def _return(claim: Claim) -> bool:
    try:
        info = load_run(organisation=claim.organisation, run=claim.run)
        with tenant_transaction(claim.organisation):
            # the run's row first, as all who end a step do; then look again: another sweep may have been at it
            raw_cursor().execute(_PATIENCE)
            lock_run(claim.organisation, claim.run)
            values = (claim.organisation, claim.step, claim.token)
            if raw_cursor().execute(IS_STILL_LOST, values).fetchone() is None:
                return False
            give_back(claim, info, "its worker was not heard of again")
    except Fenced:
        return False
    except psycopg.errors.LockNotAvailable:
        logger.info("a lost step's run is held; looking again later", extra={"run": str(claim.run)})
        return False
    logger.warning("a step was given back", extra={"run": str(claim.run), "step": claim.name})
    return True
