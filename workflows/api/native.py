"""`/api/v1/workflows/{functions,templates,runs}`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.functions import list_functions
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.pagination import PageQuery, page
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.strict import UNKNOWN
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from workflows import operations, queries
from workflows.api.rendering import (
    current_number,
    render_function,
    render_run,
    render_run_line,
    render_template,
    render_template_line,
)
from workflows.api.schemas import (
    Approval,
    FunctionPage,
    RunIn,
    RunOut,
    RunPage,
    RunQuery,
    RunsQuery,
    TemplateIn,
    TemplateOut,
    TemplatePage,
    Why,
)
from workflows.definition import Faulty
from workflows.engine.waiting import wait_for
from workflows.models import Run
from workflows.publishing import templates
from workflows.runs import controls


@contextmanager
def faults_as_items() -> Iterator[None]:
    """Answer a faulty template, or faulty parameters, with an item for each fault.

    Raises:
        InvalidRequest: for Faulty; a step's faults lie below `steps`, its name.
    """
    try:
        yield
    except Faulty as error:
        items = []
        for fault in error.faults:
            place = (
                (fault.field,) if fault.unknown else tuple(part for part in fault.field.split(".") if part)
            )
            loc = ("body", "steps", fault.step, *place) if fault.step else ("body", *place)
            items.append(item(UNKNOWN if fault.unknown else error.code, loc, fault.message))
        raise InvalidRequest(items) from error


class Functions(NativeView):
    """What steps may call."""

    scopes = {"GET": Scope.WORKFLOWS_RUN}

    @extend_schema(operation_id="workflows_functions", responses={200: FunctionPage})
    def get(self, request: Request) -> Response:
        """List the registered functions, every version, with the schema of their arguments."""
        del request
        return Response({"results": [render_function(each) for each in list_functions()], "next": None})


class _Templates(NativeView):
    """What views of templates share."""

    scopes: ClassVar[dict[str, Scope]] = {
        "GET": Scope.WORKFLOWS_RUN, "POST": Scope.WORKFLOWS_WRITE, "PUT": Scope.WORKFLOWS_WRITE,
        "DELETE": Scope.WORKFLOWS_WRITE,
    }  # fmt: skip

    def payload(self) -> dict[str, Any]:
        """Return the body, an object."""
        if not isinstance(self.json, dict):
            raise InvalidRequest([item("model_attributes_type", ("body",), "A template is an object.")])
        return self.json

    def answer(self, template: UUID, status: int = 200) -> Response:
        """Return a template with its versions."""
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            row = queries.get_template(organisation=organisation, template=template)
            versions = queries.list_versions(organisation=organisation, template=template)
        return Response(render_template(row, versions), status=status)

    def answer_anew(self, kept: dict[str, Any], **named: UUID) -> Response:
        """Answer a request again that was carried out under its Idempotency-Key."""
        return self.answer(named.get("template") or UUID(kept["id"]))


class TemplateCollection(_Templates):
    """The organisation's templates."""

    @extend_schema(
        operation_id="workflows_templates_list",
        parameters=query_parameters(PageQuery),
        responses={200: TemplatePage},
    )
    def get(self, request: Request) -> Response:
        """List templates, newest first."""
        query, organisation = self.query(PageQuery), self.principal.organisation
        with tenant_transaction(organisation):
            rows = queries.list_templates(
                organisation=organisation, limit=query.limit + 1, before=query.before
            )
            results = [
                render_template_line(
                    row, current_number(queries.list_versions(organisation=organisation, template=row.id))
                )
                for row in rows
            ]
        return Response(page(request._request, rows, query.limit, results))

    @extend_schema(
        operation_id="workflows_templates_create", request=TemplateIn, responses={201: TemplateOut}
    )
    @once(anew=_Templates.answer_anew)
    def post(self, request: Request) -> Response:
        """Write a new template as a draft; everything that is wrong with it is told at once."""
        del request
        with faults_as_items():
            draft = templates.save_draft(
                organisation=self.principal.organisation, by=self.principal.actor, payload=self.payload()
            )
        return self.answer(draft.template_id, 201)


class TemplateDetail(_Templates):
    """One template."""

    @extend_schema(operation_id="workflows_templates_get", responses={200: TemplateOut})
    def get(self, request: Request, template: UUID) -> Response:
        """Return a template with all its versions, newest first."""
        del request
        return self.answer(template)

    @extend_schema(operation_id="workflows_templates_put", request=TemplateIn, responses={200: TemplateOut})
    @once(anew=_Templates.answer_anew)
    def put(self, request: Request, template: UUID) -> Response:
        """Write the template's next version as a draft; an earlier draft is replaced, what is published stays."""
        del request
        with faults_as_items():
            templates.save_draft(
                organisation=self.principal.organisation,
                by=self.principal.actor,
                payload=self.payload(),
                template=template,
            )
        return self.answer(template)


class TemplatePublish(_Templates):
    """Publishing."""

    @extend_schema(operation_id="workflows_templates_publish", request=None, responses={200: TemplateOut})
    @once(anew=_Templates.answer_anew)
    def post(self, request: Request, template: UUID) -> Response:
        """Publish the draft: numbered, never changed again, followed by each run that starts from now on."""
        del request
        with faults_as_items():
            templates.publish(
                organisation=self.principal.organisation, by=self.principal.actor, template=template
            )
        return self.answer(template)


class TemplateRetire(_Templates):
    """Taking out of use."""

    @extend_schema(operation_id="workflows_templates_retire", request=None, responses={200: TemplateOut})
    @once(anew=_Templates.answer_anew)
    def post(self, request: Request, template: UUID) -> Response:
        """Retire a template: it starts no new run, those that it has go on."""
        del request
        templates.retire(organisation=self.principal.organisation, by=self.principal.actor, template=template)
        return self.answer(template)


class _Runs(NativeView):
    """What views of runs share."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.WORKFLOWS_RUN, "POST": Scope.WORKFLOWS_RUN}

    def answer(self, run: UUID, *, status: int = 200, items: bool = False) -> Response:
        """Return a run with its steps."""
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            row = queries.get_run(organisation=organisation, run=run)
            steps = queries.list_steps(run=row, items=items)
            version = queries.version_of(run=row)
        return Response(render_run(self.principal, row, version, steps), status=status)

    def answer_anew(self, kept: dict[str, Any], run: UUID) -> Response:
        """Answer a request again that was carried out under its Idempotency-Key: with the run as it is now."""
        del kept
        return self.answer(run)


class RunCollection(_Runs):
    """The organisation's runs."""

    @extend_schema(
        operation_id="workflows_runs_list", parameters=query_parameters(RunsQuery), responses={200: RunPage}
    )
    def get(self, request: Request) -> Response:
        """List runs, newest first."""
        query, organisation = self.query(RunsQuery), self.principal.organisation
        with tenant_transaction(organisation):
            template = (
                queries.find_template(organisation=organisation, name=query.template).id
                if query.template
                else None
            )
            rows = queries.list_runs(
                organisation=organisation,
                limit=query.limit + 1,
                before=query.before,
                status=str(query.status or ""),
                template=template,
            )
        results = [render_run_line(self.principal, row) for row in rows]
        return Response(page(request._request, rows, query.limit, results))

    @extend_schema(operation_id="workflows_runs_create", request=RunIn, responses={201: RunOut})
    def post(self, request: Request) -> Response:
        """Start a run of a published template; with `wait` the answer comes when it has ended, or time is up."""
        wait = self.body(RunIn).wait
        seconds = settings.LIFTOS_WORKFLOW_WAIT_SECONDS
        if not isinstance(wait, bool):
            seconds = min(wait, seconds)
        elif not wait:
            seconds = 0.0
        started = self.start(request)
        run = UUID(started.data["id"])
        if seconds > 0:
            # after what the Idempotency-Key guards has committed: a step has its own transactions
            wait_for(organisation=self.principal.organisation, run=run, seconds=seconds)
        response = self.answer(run, status=201)
        if "Idempotent-Replayed" in started.headers:
            response["Idempotent-Replayed"] = "true"
        return response

    @once
    def start(self, request: Request) -> Response:
        """Start it."""
        del request
        asked = self.body(RunIn)
        with faults_as_items():
            started = operations.start(
                principal=self.principal,
                template=asked.template,
                parameters=asked.parameters,
                metadata=asked.metadata,
                version=asked.version,
                hint=not asked.wait,
            )
        return Response({"id": str(started.id)}, status=201)


class RunDetail(_Runs):
    """One run."""

    @extend_schema(
        operation_id="workflows_runs_get", parameters=query_parameters(RunQuery), responses={200: RunOut}
    )
    def get(self, request: Request, run: UUID) -> Response:
        """Return a run with its steps, their results and errors."""
        del request
        return self.answer(run, items=self.query(RunQuery).items)


class _Control(_Runs):
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
    @once(anew=_Runs.answer_anew)
    def post(self, request: Request, run: UUID) -> Response:
        """End a run: whatever has not ended is cancelled."""
        del request
        return self.carry_out(run)


class RunPause(_Control):
    """Pausing."""

    act = staticmethod(controls.pause)

    @extend_schema(operation_id="workflows_runs_pause", request=Why, responses={200: RunOut})
    @once(anew=_Runs.answer_anew)
    def post(self, request: Request, run: UUID) -> Response:
        """Hold a run: steps that are being carried out end, no other begins."""
        del request
        return self.carry_out(run)


class RunResume(_Control):
    """Going on."""

    act = staticmethod(controls.resume)

    @extend_schema(operation_id="workflows_runs_resume", request=Why, responses={200: RunOut})
    @once(anew=_Runs.answer_anew)
    def post(self, request: Request, run: UUID) -> Response:
        """Let a paused run go on."""
        del request
        return self.carry_out(run)


class RunAgain(_Control):
    """Running again."""

    act = staticmethod(controls.rerun)

    @extend_schema(operation_id="workflows_runs_rerun", request=Why, responses={200: RunOut})
    @once(anew=_Runs.answer_anew)
    def post(self, request: Request, run: UUID) -> Response:
        """Carry a run on from where it failed or was cancelled; what is done stays done."""
        del request
        return self.carry_out(run)


class RunApprove(_Runs):
    """A person's word."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.ADMIN}

    @extend_schema(operation_id="workflows_runs_approve", request=Approval, responses={200: RunOut})
    @once(anew=_Runs.answer_anew)
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
