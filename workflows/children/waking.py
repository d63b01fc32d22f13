"""The subscriber that wakes steps whose child has ended."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.ids import as_uuid
from liftos.kernel.jobs import send_hint
from liftos.kernel.outbox.types import Event
from workflows.children.statements import PARENTS, WAKE
from workflows.engine.endings import lock_run
from workflows.engine.waiting import WORK
from workflows.errors import Fenced
from workflows.types import RunStatus, StepStatus

SUBSCRIBER = "workflow-children"
FINISHED = "liftos.workflow.run.finished"


def wake_parents(organisation: UUID, events: Sequence[Event]) -> None:
    """Make the steps ready that wait for runs that have ended. See `subscribers.Handler`."""
    runs = [run for each in events if (run := as_uuid(each.data["run_id"])) is not None]
    woken = 0
    for parent, step in raw_cursor().execute(PARENTS, [organisation, runs]).fetchall():
        try:
            status = lock_run(organisation, parent)
        except Fenced:
            continue  # deleted
        after = StepStatus.READY if status is RunStatus.RUNNING else StepStatus.WAITING
        values = {"organisation": organisation, "run": parent, "step": step, "status": str(after)}
        woken += raw_cursor().execute(WAKE, values).rowcount
    if woken:
        transaction.on_commit(lambda: send_hint(WORK, organisation))
