"""`/api/v1/workflows/runs/{run}/{cancel,pause,resume,rerun,approve}`."""

from collections.abc import Callable
from typing import Annotated, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.strict import Strict
from liftos.kernel.tenancy.types import Scope
from workflows.api.run_shapes import RunOut
from workflows.api.runs import RunView
from workflows.models import Run
from workflows.runs import controls

Reason = Annotated[str, Field(max_length=2_000)]


class Why(Strict):
    """Why a run is cancelled, paused, resumed or run again."""

    reason: Reason = ""


class Approval(Strict):
    """A person's word on a step that waits for one."""

    step: str = Field(min_length=1, max_length=100)
    approved: bool = True
    reason: Reason = ""


class _Control(RunView):
    act: ClassVar[Callable[..., Run]]

    def carry_out(self, run: UUID) -> Response:
        """Do it, with the body's reason; a body need not be there."""
        reason = self.body(Why).reason if self.json is not None else ""
        principal = self.principal
        type(self).act(organisation=principal.organisation, by=principal.actor, run=run, reason=reason)
        return self.answer(run)


class RunCancel(_Control):
    """Cancelling."""

    act = staticmethod(controls.cancel)

    @extend_schema(operation_id="workflows_runs_cancel", request=Why, responses={200: RunOut})
    @once(anew=RunView.answer_anew)
    def post(self, request: Request, run: UUID) -> Response:
        """End a run: whatever has not ended is cancelled."""
        del request
        return self.carry_out(run)


class RunPause(_Control):
    """Pausing."""

    act = staticmethod(controls.pause)

    @extend_schema(operation_id="workflows_runs_pause", request=Why, responses={200: RunOut})
    @once(anew=RunView.answer_anew)
    def post(self, request: Request, run: UUID) -> Response:
        """Hold a run: steps that are being carried out end, no other begins."""
        del request
        return self.carry_out(run)


class RunResume(_Control):
    """Going on."""

    act = staticmethod(controls.resume)

    @extend_schema(operation_id="workflows_runs_resume", request=Why, responses={200: RunOut})
    @once(anew=RunView.answer_anew)
    def post(self, request: Request, run: UUID) -> Response:
        """Let a paused run go on."""
        del request
        return self.carry_out(run)


class RunAgain(_Control):
    """Running again."""

    act = staticmethod(controls.rerun)

    @extend_schema(operation_id="workflows_runs_rerun", request=Why, responses={200: RunOut})
    @once(anew=RunView.answer_anew)
    def post(self, request: Request, run: UUID) -> Response:
        """Carry a run on from where it failed or was cancelled; what is done stays done."""
        del request
        return self.carry_out(run)


class RunApprove(RunView):
    """A person's word."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.ADMIN}

    @extend_schema(operation_id="workflows_runs_approve", request=Approval, responses={200: RunOut})
    @once(anew=RunView.answer_anew)
    def post(self, request: Request, run: UUID) -> Response:
        """Let a step go on that waits for a person, or refuse it; who started the run may only refuse."""
        del request
        asked, principal = self.body(Approval), self.principal
        controls.approve(
            organisation=principal.organisation,
            by=principal.actor,
            run=run,
            step=asked.step,
            approved=asked.approved,
            reason=asked.reason,
        )
        return self.answer(run)
