"""`/api/v1/workflows/runs/{run}/{cancel,pause,resume,rerun,approve}`."""

from collections.abc import Callable
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described, described_by_class
from liftos.kernel.http.strict import Strict
from liftos.kernel.tenancy.types import Scope
from workflows.api.run_shapes import RunOut
from workflows.api.runs import RunView
from workflows.models import Run
from workflows.runs import controls

Reason = Annotated[str, Field(max_length=2_000)]


class ControlIn(Strict):
    """The reason for cancelling, pausing, resuming or rerunning a run."""

    reason: Reason = ""


class Approval(Strict):
    """A person's decision on a step that awaits approval."""

    step: str = Field(min_length=1, max_length=100)
    approved: bool = True
    reason: Reason = ""


class _Control(RunView):
    act: ClassVar[Callable[..., Run]]

    @once(anew=RunView.answer_anew)
    def post(self, request: Request, run: UUID) -> Response:
        reason = self.body(ControlIn).reason if self.json is not None else ""
        type(self).act(**self.caller, run=run, reason=reason)
        return self.answer(run)


def _documented(operation: str) -> Callable[[type[_Control]], type[_Control]]:
    return described_by_class(operation, request=ControlIn, responses={200: RunOut})


@_documented("workflows_runs_cancel")
class RunCancel(_Control):
    """End a run: all steps that have not ended are cancelled."""

    act = staticmethod(controls.cancel)


@_documented("workflows_runs_pause")
class RunPause(_Control):
    """Pause a run: running steps finish, no further step starts."""

    act = staticmethod(controls.pause)


@_documented("workflows_runs_resume")
class RunResume(_Control):
    """Resume a paused run."""

    act = staticmethod(controls.resume)


@_documented("workflows_runs_rerun")
class RunAgain(_Control):
    """Rerun a failed or cancelled run: completed steps keep their results."""

    act = staticmethod(controls.rerun)


class RunApprove(RunView):
    """Approval of a step."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.ADMIN}

    @described("workflows_runs_approve", request=Approval, responses={200: RunOut})
    @once(anew=RunView.answer_anew)
    def post(self, request: Request, run: UUID) -> Response:
        """Approve or refuse a step that awaits approval. Whoever started, resumed or reran the run may only refuse."""
        asked = self.body(Approval)
        controls.approve(
            **self.caller, run=run, step=asked.step, approved=asked.approved, reason=asked.reason
        )
        return self.answer(run)
