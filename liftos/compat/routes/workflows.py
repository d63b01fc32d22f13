"""The old workflow routes, exactly as in the contract."""

from contextlib import suppress
from time import perf_counter
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.compat.shapes.memory import BatchQuery, QueriesIn, hit_out
from liftos.compat.shapes.workflows import WorkflowMetadata, WorkflowName, status_out, task_id
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.envelope import Envelope
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.parsing import validate
from liftos.kernel.http.views import CompatView
from liftos.kernel.precedence import giving_way
from liftos.kernel.tenancy.types import Scope
from workflows import operations, queries
from workflows.engine.starting import CODE_DIGITS
from workflows.errors import RunNotFound, TemplateNotFound
from workflows.publishing.faults import faults_as_items
from workflows.runs.batch import search_batch
from workflows.types import workflow_id


class WorkflowCreate(CompatView):
    """`POST /workflows/create`: the name is in the query string, the body is the metadata."""

    scopes = {"POST": Scope.WORKFLOWS_RUN}
    failure = "Workflow creation failed"

    @described(
        "workflow_create",
        request=WorkflowMetadata,
        query=WorkflowName,
        responses={200: Envelope},
        takes_key=True,
    )
    def post(self, request: Request) -> Response:
        """Create a workflow without steps, like the old service; the body may also be `{"name", "metadata"}`.

        If the name is a template's and the metadata has `parameters`, the template is run with these.
        """
        query, body = request._request.GET, self.json
        if "name" not in query and isinstance(body, dict) and "name" in body:
            name, metadata = validate(WorkflowName, body).name, body.get("metadata")
        else:
            name, metadata = self.query(WorkflowName).name, body
        given = {} if metadata is None else validate(WorkflowMetadata, metadata).root
        opened = self.create(request, name, given)
        data = {
            "workflow_id": opened.data["workflow_id"],
            "name": name,
            "org_id": self.principal.slug,
            "metadata": given,
        }
        about = {"correlation_id": self.correlation_id, "enhanced_feature": "orchestration"}
        response = self.envelope("Workflow created successfully", data, about)
        if "Idempotent-Replayed" in opened.headers:
            response["Idempotent-Replayed"] = "true"
        return response

    @once
    def create(self, request: Request, name: str, metadata: dict[str, Any]) -> Response:
        """Create the run once per Idempotency-Key."""
        run = self.start_or_open(name, metadata)
        return Response({"workflow_id": workflow_id(self.principal.slug, run.hex[-CODE_DIGITS:])})

    def start_or_open(self, name: str, metadata: dict[str, Any]) -> UUID:
        """Run the template with this name if the metadata has parameters, else open an empty run; return the run's id."""
        principal, parameters = self.principal, metadata.get("parameters")
        if isinstance(parameters, dict):
            # without such a template, the parameters are ordinary metadata
            with suppress(TemplateNotFound), faults_as_items():
                return operations.start(
                    principal=principal, template=name, parameters=parameters, metadata=metadata
                )
        return operations.open_run(principal=principal, name=name, metadata=metadata)


class WorkflowStatus(CompatView):
    """`GET /workflows/{id}/status`."""

    scopes = {"GET": Scope.WORKFLOWS_RUN}
    failure = "Failed to get workflow status"

    @described("workflow_status", responses={200: Envelope})
    def get(self, request: Request, workflow: str) -> Response:
        """Return a workflow's status by task."""
        principal = self.principal
        code = workflow.removeprefix(workflow_id(principal.slug, ""))
        if code == workflow or len(code) != CODE_DIGITS:
            raise RunNotFound
        with tenant_transaction(principal.organisation):
            run = queries.get_run_by_code(organisation=principal.organisation, code=code)
            steps = queries.list_steps(run=run, items=True)
        return self.envelope("Workflow status retrieved", status_out(principal, run, steps))


class BatchSearch(CompatView):
    """`POST /search/batch`: the body is a list of queries, the options are in the query string."""

    scopes = {"POST": Scope.MEMORY_READ}
    costly = True
    failure = "Batch search failed"

    def cost(self) -> int:
        """Return the number of queries."""
        queries = self.json.get("queries") if isinstance(self.json, dict) else self.json
        return len(queries) if isinstance(queries, list) else 1

    @described("search_batch", request=QueriesIn, query=BatchQuery, responses={200: Envelope})
    def post(self, request: Request) -> Response:
        """Search for several queries; `results` (by task id) and `results_list` are in the order of the queries."""
        started, principal = perf_counter(), self.principal
        asked, options = self.body(QueriesIn).root, self.query(BatchQuery)
        answer = search_batch(principal=principal, queries=asked, request=options.request())
        hits = [[hit_out(hit) for hit in found] for found in giving_way(answer.hits)]
        workflow = workflow_id(principal.slug, answer.code)
        took = perf_counter() - started
        data = {
            "workflow_id": workflow,
            "results": {task_id(workflow, 0, number): found for number, found in enumerate(hits)},
            "queries_processed": len(asked),
            "execution_time_ms": took * 1e3,
            "duration": took,
            "results_list": hits,
        }
        metadata = {"correlation_id": self.correlation_id, "enhanced_feature": "batch_processing"}
        return self.envelope("Batch search completed", data, metadata)
