"""Retention: deletion of old runs."""

from datetime import datetime
from uuid import UUID

from accountability.operations import record
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM
from workflows.runs.statements import PRUNE_RUNS

BATCH = 500


def prune(*, organisation: UUID, before: datetime) -> int:
    """Delete a batch of an organisation's runs that ended before a time, with steps and history; return their number."""
    with tenant_transaction(organisation):
        values = {"organisation": organisation, "before": before, "limit": BATCH}
        removed = raw_cursor().execute(PRUNE_RUNS, values).rowcount
        if removed:
            record(
                organisation=organisation,
                by=SYSTEM,
                operation="workflow.prune",
                effect="delete",
                reasoning=f"{removed} runs that ended before {before:%Y-%m-%d %H:%M} were deleted.",
                outputs={"runs": removed},
            )
    return removed
