"""What runs leave behind is removed some time after their end."""

from datetime import datetime
from uuid import UUID

from accountability.operations import record
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM
from workflows.runs.statements import PRUNE_RUNS

TOGETHER = 500


def prune(*, organisation: UUID, before: datetime) -> int:
    """Remove some of an organisation's runs that ended before a moment, with their steps and history; return how many."""
    with tenant_transaction(organisation):
        values = {"organisation": organisation, "before": before, "limit": TOGETHER}
        removed = raw_cursor().execute(PRUNE_RUNS, values).rowcount
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
