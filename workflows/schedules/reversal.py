"""Reversal of a tick: its run is cancelled. Fills `accountability.ports.reversers`."""

from uuid import UUID

from accountability.ports import Overturned, Reversal
from liftos.kernel.db.transactions import seeing_everything_here
from workflows.errors import RunNotFound, StateForbids
from workflows.models import Tick
from workflows.runs.controls import cancel
from workflows.types import TickState


def cancel_started(overturned: Overturned) -> Reversal:
    """Cancel the run that an overturned tick started, unless it has ended."""
    organisation = overturned.organisation
    with seeing_everything_here():
        ticks = Tick.objects.filter(organisation_id=organisation, decision_id=overturned.decision.id)
        ticks.filter(state=TickState.STARTED.value).update(state=TickState.OVERTURNED.value)
        run = overturned.decision.outputs.get("run_id")
        try:
            cancel(organisation=organisation, by=overturned.by, run=UUID(str(run)), reason=overturned.reason)
        except (RunNotFound, StateForbids, ValueError):
            return Reversal("workflow.cancel", changed=0, left_alone=1)
    return Reversal("workflow.cancel", changed=1)
