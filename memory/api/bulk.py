"""`/api/v1/memories/bulk`: store many memories, at once or by a background job."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import REPLAYED, actor_of, idempotency_key, once
from liftos.kernel.http.openapi import described, query_parameters
from liftos.kernel.http.pagination import PageQuery, page, page_of
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.shared import CancelIn, RejectionOut, SecretsOut
from memory.bulk.jobs import list_results
from memory.bulk.overview import Progress, cancel, get_progress, list_jobs
from memory.bulk.requests import accept_once, store_lines, store_lines_once
from memory.types import trust_of


class BulkLine(BaseModel):
    """The result of one line: 201 stored, 200 already stored, 409 or 422 with the error."""

    line: int
    status: int
    id: UUID | None = None
    external_id: str | None = None
    state: str | None = None
    rejection: RejectionOut | None = None
    secrets: SecretsOut | None = None
    error: dict[str, Any] | None = None


class BulkResult(BaseModel):
    """The result of a bulk store: 200 if every line was accepted, 207 otherwise."""

    results: list[BulkLine]
    next: None
    stored: int
    unchanged: int
    failed: int


class BulkQuery(BaseModel):
    """`sync` stores before responding; `async` queues a job."""

    mode: Literal["sync", "async"] = "sync"


class BulkAccepted(BaseModel):
    """A queued bulk job; its progress is at `url`."""

    id: UUID
    url: str


class BulkJobQuery(BaseModel):
    """The position in the results, from `next` of the previous page."""

    cursor: int = Field(default=0, ge=0, le=1_000_000)


class BulkJobsQuery(PageQuery):
    """Filter of the list of bulk jobs."""

    status: Literal["", "queued", "running", "done", "cancelled"] = ""


class BulkJobOut(BaseModel):
    """The progress of a bulk job, whose status is queued, running, done or cancelled.

    `cancelled` lines are those that were not stored when the job was cancelled; they have no results.
    """

    id: UUID
    status: str
    recorded_at: datetime
    lines: int
    done: int
    cancelled: int
    stored: int
    unchanged: int
    failed: int
    results: list[BulkLine]
    next: str | None


class BulkJobSummaryOut(BaseModel):
    """A bulk job in the list: who sent it, and how far it is."""

    id: UUID
    status: str
    recorded_at: datetime
    cancelled_at: datetime | None
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    lines: int
    done: int
    cancelled: int


def summary(job: Progress) -> dict[str, Any]:
    """Return a bulk job as JSON-ready values, without results."""
    return BulkJobSummaryOut(
        id=job.id,
        status=job.status,
        recorded_at=job.recorded_at,
        cancelled_at=job.cancelled_at,
        actor_kind=job.by.kind,
        actor_id=job.by.id,
        on_behalf_of=job.by.on_behalf_of,
        lines=job.lines,
        done=job.done,
        cancelled=job.cancelled,
    ).model_dump(mode="json")


class MemoryBulk(NativeView):
    """Bulk store, and its jobs."""

    scopes = {"GET": Scope.MEMORY_READ, "POST": Scope.MEMORY_PROPOSE}
    costly = True
    reads_json = False

    def cost(self) -> int:
        """Return one unit per 100 kB, about 500 lines."""
        if self.request.method != "POST":
            return 1
        return int(self.request.META.get("CONTENT_LENGTH") or 0) // 100_000

    @described(
        "memories_bulk",
        query=BulkQuery,
        takes_key=True,
        request={"application/x-ndjson": OpenApiTypes.STR},
        responses={200: BulkResult, 202: BulkAccepted, 207: BulkResult},
        description="One JSON object per line, each as for storing one memory. An invalid line does not affect the others.",
    )
    def post(self, request: Request) -> Response:
        """Store one memory per line. They can be found once this responds or, with `mode=async`, once the job is done."""
        principal, mode = self.principal, self.query(BulkQuery).mode
        name = idempotency_key(request)
        key = (actor_of(principal), name) if name else None
        organisation, by, trust = principal.organisation, principal.actor, trust_of(principal)
        if mode == "async":
            job, replayed = accept_once(
                organisation=organisation, by=by, stream=request._request, trust=trust, key=key
            )
            url = request._request.build_absolute_uri(f"/api/v1/memories/bulk/{job}")
            headers = {"Location": url} | (REPLAYED if replayed else {})
            return Response({"id": str(job), "url": url}, status=202, headers=headers)
        stream, replayed = request._request, False
        if key is None:
            lines = store_lines(organisation=organisation, by=by, stream=stream, trust=trust)
        else:
            lines, replayed = store_lines_once(
                organisation=organisation, by=by, stream=stream, trust=trust, key=key
            )
        counts = {status: sum(line["status"] == status for line in lines) for status in (201, 200)}
        failed = len(lines) - sum(counts.values())
        body = {
            "results": lines,
            "next": None,
            "stored": counts[201],
            "unchanged": counts[200],
            "failed": failed,
        }
        return Response(body, status=207 if failed else 200, headers=REPLAYED if replayed else {})

    @described("memories_bulk_jobs", query=BulkJobsQuery, responses={200: page_of(BulkJobSummaryOut)})
    def get(self, request: Request) -> Response:
        """List bulk jobs, newest first."""
        asked = self.query(BulkJobsQuery)
        with tenant_transaction(self.organisation):
            rows = list_jobs(
                organisation=self.organisation,
                limit=asked.limit + 1,
                before=asked.before,
                status=asked.status,
            )
        return Response(page(request._request, rows, asked.limit, [summary(row) for row in rows]))


class CancelsBulkJob(NativeView):
    """Cancels a bulk job."""

    def progress(self, ids: dict[str, Any], job: UUID) -> Response:
        """Return a job as it is now."""
        del ids
        with tenant_transaction(self.organisation):
            return Response(summary(get_progress(organisation=self.organisation, job=job)))

    @once(anew=progress)
    def cancel(self, request: Request, job: UUID) -> Response:
        """Cancel the lines of a job that are not stored; stored ones stay."""
        del request
        reason = self.body(CancelIn).reason if self.json is not None else ""
        of_anybody = self.principal.may(Scope.MEMORY_WRITE)
        return Response(summary(cancel(**self.caller, job=job, of_anybody=of_anybody, reason=reason)))


class MemoryBulkJobCancel(CancelsBulkJob):
    """Cancels a bulk job."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}

    @described(
        "memories_bulk_job_cancel", request=CancelIn, responses={200: BulkJobSummaryOut}, takes_key=True
    )
    def post(self, request: Request, job: UUID) -> Response:
        """Cancel the lines of a job that are not stored; stored ones stay."""
        return self.cancel(request, job)


class MemoryBulkJob(CancelsBulkJob):
    """A bulk job."""

    scopes = {"GET": Scope.MEMORY_READ, "DELETE": Scope.MEMORY_PROPOSE}

    @described(
        "memories_bulk_job_delete", request=CancelIn, responses={200: BulkJobSummaryOut}, takes_key=True
    )
    def delete(self, request: Request, job: UUID) -> Response:
        """Cancel a job, as `POST …/cancel` does."""
        return self.cancel(request, job)

    @extend_schema(
        operation_id="memories_bulk_job",
        parameters=query_parameters(BulkJobQuery),
        responses={200: BulkJobOut},
    )
    def get(self, request: Request, job: UUID) -> Response:
        """Return a job's progress and a page of results, for up to 500 lines."""
        asked, organisation = self.query(BulkJobQuery), self.principal.organisation
        with tenant_transaction(organisation):
            progress = get_progress(organisation=organisation, job=job)
            results, following = list_results(
                organisation=organisation, job=job, after=asked.cursor, chunks=1
            )
        url = request._request.build_absolute_uri(request._request.path)
        counts = progress.counts
        shown = BulkJobOut(
            id=progress.id,
            status=progress.status,
            recorded_at=progress.recorded_at,
            lines=progress.lines,
            done=progress.done,
            cancelled=progress.cancelled,
            stored=counts.get(201, 0),
            unchanged=counts.get(200, 0),
            failed=sum(count for status, count in counts.items() if status >= 400),
            results=[BulkLine.model_validate(each) for each in results],
            next=None if following is None else f"{url}?cursor={following}",
        )
        return Response(shown.model_dump(mode="json", exclude_unset=True))
