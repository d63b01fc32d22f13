"""What runs leave behind: they are removed some time after their end, and what they quote of a memory goes with the memory."""

from datetime import datetime
from uuid import UUID

from accountability.operations import record
from liftos.db import raw_cursor, tenant_transaction
from liftos.tenancy.types import SYSTEM

TOGETHER = 500

# steps, history and mentions go by their foreign keys
_PRUNE = """
DELETE FROM workflows_run WHERE organisation_id = %(organisation)s AND id IN (
    SELECT id FROM workflows_run
    WHERE organisation_id = %(organisation)s AND finished_at < %(before)s ORDER BY finished_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
)
"""
_QUOTING = """
SELECT run_id FROM workflows_mention WHERE organisation_id = %s AND memory_id = %s ORDER BY run_id
"""
# in the order in which whoever ends a step takes them: the run, then its steps
_LOCK = (
    "SELECT id FROM workflows_run WHERE organisation_id = %s AND id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"
)
_BLANK_STEPS = """
UPDATE workflows_step SET result = NULL, value = NULL, error = CASE WHEN error IS NULL THEN NULL
    ELSE jsonb_build_object('type', 'Erased', 'message', 'it quoted a memory that was erased') END
WHERE organisation_id = %s AND run_id = ANY(%s)
"""
_BLANK_RUNS = """
UPDATE workflows_run SET parameters = '{}', metadata = '{}' WHERE organisation_id = %s AND id = ANY(%s)
"""
_FORGET = "DELETE FROM workflows_mention WHERE organisation_id = %s AND memory_id = %s"


def prune(*, organisation: UUID, before: datetime) -> int:
    """Remove some of an organisation's runs that ended before a moment, with their steps and history; return how many."""
    with tenant_transaction(organisation):
        values = {"organisation": organisation, "before": before, "limit": TOGETHER}
        removed = raw_cursor().execute(_PRUNE, values).rowcount
        if removed:
            record(
                organisation=organisation,
                by=SYSTEM,
                operation="workflow.prune",
                effect="delete",
                reasoning=f"{removed} runs had ended before {before:%Y-%m-%d %H:%M} and were removed.",
                outputs={"runs": removed},
            )
    return removed


def erase_quotes(organisation: UUID, memory: UUID) -> int:
    """Remove what runs quote of a memory, inside the erasing transaction; return how many runs that were.

    All results of such a run go, and its parameters: what a later step made of the memory can't be told apart. A run that is
    still going sees null in their place.
    """
    runs = [row[0] for row in raw_cursor().execute(_QUOTING, (organisation, memory)).fetchall()]
    if runs:
        raw_cursor().execute(_LOCK, (organisation, runs)).fetchall()
        raw_cursor().execute(_BLANK_STEPS, (organisation, runs))
        raw_cursor().execute(_BLANK_RUNS, (organisation, runs))
        raw_cursor().execute(_FORGET, (organisation, memory))
    return len(runs)
