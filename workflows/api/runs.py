"""`/api/v1/workflows/runs`: start, list and read runs."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from pydantic import BaseModel, Field, model_validator
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, QueryText, page, page_of
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.inputs import VisibleToIn, visible_to_of
from memory.visibility import as_json as visible_as_json
from workflows import operations, queries
from workflows.api.run_shapes import RunLine, RunOut, render_run, render_run_line
from workflows.engine.waiting import wait_for
from workflows.publishing.faults import faults_as_items
from workflows.types import RunStatus


class RunIn(Strict):
    """A run to start; `template` is a name or an id.

    `visible_to` says who may read it: by default the caller's principal alone, or everybody if the key has no principal. Its steps
    see no more of the organisation than these readers do. With `wait`, true or a number of seconds, the response is sent when the run has ended or the time is up.
    """

    template: str = Field(min_length=1, max_length=200)
    version: int | None = Field(default=None, ge=1, le=2_147_483_647)
    parameters: dict[str, Any] | None = None
    metadata: dict[str, Any] = Field(default_factory=dict)
    wait: bool | float = Field(default=False)
    visible_to: VisibleToIn | None = None

    @model_validator(mode="after")
    def check_wait(self) -> "RunIn":
        """Check the range of `wait`."""
        if not isinstance(self.wait, bool) and not 0 <= self.wait <= 3_600:
            raise ValueError("wait must be true, false, or 0 to 3600 seconds")
        return self

    def seconds(self, most: float) -> float:
        """Return how long to wait for the run to end; `most` is the limit."""
        if isinstance(self.wait, bool):
            return most if self.wait else 0.0
        return min(self.wait, most)


class RunsQuery(PageQuery):
    """Filters of the list of runs."""

    status: RunStatus | None = None
    template: QueryText = ""


class RunQuery(BaseModel):
    """Options for reading a run; `items` includes the items of steps that map over a list."""

    items: bool = False


class RunView(NativeView):
    """Base of the run views."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.WORKFLOWS_RUN, "POST": Scope.WORKFLOWS_RUN}

    def answer(self, run: UUID, *, status: int = 200, items: bool = False) -> Response:
        """Return a run with its steps."""
        with tenant_transaction(self.organisation):
            row = queries.get_run(organisation=self.organisation, run=run)
            steps = queries.list_steps(run=row, items=items)
            version = queries.get_version(run=row)
            seen_by = visible_as_json(self.organisation, row.scope_id)
            children = queries.children_of(run=row)
        return Response(render_run(self.principal, row, version, steps, seen_by, children), status=status)

    def answer_anew(self, kept: dict[str, Any], run: UUID) -> Response:
        """Replay a response with the run's current state."""
        return self.answer(run)


class RunCollection(RunView):
    """The organisation's runs."""

    @described("workflows_runs_list", query=RunsQuery, responses={200: page_of(RunLine, "RunPage")})
    def get(self, request: Request) -> Response:
        """List runs, newest first."""
        query = self.query(RunsQuery)
        with tenant_transaction(self.organisation):
            template = (
                queries.find_template(organisation=self.organisation, name=query.template).id
                if query.template
                else None
            )
            rows = queries.list_runs(
                organisation=self.organisation,
                limit=query.limit + 1,
                before=query.before,
                status=str(query.status or ""),
                template=template,
            )
        results = [render_run_line(self.principal, row) for row in rows]
        return Response(page(request._request, rows, query.limit, results))

    @described("workflows_runs_create", request=RunIn, responses={201: RunOut}, takes_key=True)
    def post(self, request: Request) -> Response:
        """Start a run of a published template; with `wait`, respond when it has ended or the time is up."""
        seconds = self.body(RunIn).seconds(settings.LIFTOS_WORKFLOW_WAIT_SECONDS)
        started = self.start(request)
        run = UUID(started.data["id"])
        if seconds > 0:
            # after the idempotent part has committed: steps use their own transactions
            wait_for(organisation=self.organisation, run=run, seconds=seconds)
        response = self.answer(run, status=201)
        if "Idempotent-Replayed" in started.headers:
            response["Idempotent-Replayed"] = "true"
        return response

    @once
    def start(self, request: Request) -> Response:
        """Start the run once per Idempotency-Key."""
        asked = self.body(RunIn)
        with faults_as_items():
            run = operations.start(
                principal=self.principal,
                template=asked.template,
                parameters=asked.parameters,
                metadata=asked.metadata,
                version=asked.version,
                hint=not asked.wait,
                visible_to=visible_to_of(asked.visible_to),
            )
        return Response({"id": str(run)}, status=201)


class RunDetail(RunView):
    """One run."""

    @described("workflows_runs_get", query=RunQuery, responses={200: RunOut})
    def get(self, request: Request, run: UUID) -> Response:
        """Return a run with its steps, their results and errors."""
        return self.answer(run, items=self.query(RunQuery).items)
