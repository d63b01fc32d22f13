"""Finding dropped steps: those whose worker is gone, retries that are due, ready steps whose hint was lost.

The sweep runs in every worker and relies on Postgres alone, so nothing depends on the broker's reliability.
"""

import logging
from uuid import UUID

import psycopg

from liftos.kernel.db.transactions import raw_cursor, read_value, tenant_pipeline, tenant_transaction
from liftos.kernel.jobs import send_hint
from workflows.engine.attempts import give_back
from workflows.engine.claims import Claim, claim_from
from workflows.engine.endings import lock_run
from workflows.engine.runs import load_run
from workflows.engine.statements import COUNT_UNCLAIMED, IS_STILL_LOST, LOST_CLAIMS, READY_DUE
from workflows.errors import Fenced
from workflows.queries import list_organisations_with_work

logger = logging.getLogger("liftos.workflows")

# per organisation and sweep: steps given back, and hints sent
BATCH = 200
HINTS = 10

# the process that locks the run's row may hang: Postgres will end its transaction, and the next sweep tries again
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '1s'"


def sweep() -> int:
    """Sweep all organisations with work; return the number of steps found."""
    found = 0
    for organisation in list_organisations_with_work():
        try:
            found += sweep_one(organisation=organisation)
        except Fenced:
            continue
        except Exception:
            # one organisation's failure must not block the others
            logger.exception("a sweep failed", extra={"organisation": str(organisation)})
    return found


def sweep_one(*, organisation: UUID) -> int:
    """Give lost steps back, make due ones ready and wake workers; return the number of steps found."""
    returned = sum(_return(claim) for claim in _lost(organisation))
    with tenant_transaction(organisation):
        due = make_due_ready(organisation=organisation)
        unclaimed = read_value(COUNT_UNCLAIMED, (organisation, HINTS))
    for _ in range(min(HINTS, max(returned + due, unclaimed))):
        send_hint("workflows.work", organisation)
    return returned + due + unclaimed


def make_due_ready(*, organisation: UUID) -> int:
    """Make steps ready whose retry is due; inside the caller's tenant transaction. Return their number."""
    row = raw_cursor().execute(READY_DUE, {"organisation": organisation, "limit": BATCH}).fetchone()
    return row[0] if row else 0


def _lost(organisation: UUID) -> list[Claim]:
    with tenant_pipeline(organisation):
        rows = raw_cursor().execute(LOST_CLAIMS, {"organisation": organisation, "limit": BATCH}).fetchall()
    return [claim_from(organisation, token, columns) for token, *columns in rows]


def _return(claim: Claim) -> bool:
    try:
        info = load_run(organisation=claim.organisation, run=claim.run)
        with tenant_transaction(claim.organisation):
            # lock the run's row first, as ending a step does, then check again: another sweep may have been faster
            raw_cursor().execute(_LOCK_TIMEOUT)
            lock_run(claim.organisation, claim.run)
            values = (claim.organisation, claim.step, claim.token)
            if raw_cursor().execute(IS_STILL_LOST, values).fetchone() is None:
                return False
            give_back(claim, info, "its worker was lost")
    except Fenced:
        return False
    except psycopg.errors.LockNotAvailable:
        logger.info(
            "the run of a lost step is locked; retrying in the next sweep", extra={"run": str(claim.run)}
        )
        return False
    logger.warning("a lost step was given back", extra={"run": str(claim.run), "step": claim.name})
    return True
