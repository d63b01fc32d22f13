"""`/api/v1/documents/jobs`: list, read and cancel queued documents."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, page, page_of
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.shared import CancelIn
from memory.documents.overview import cancel, get_job, list_jobs, status_of
from memory.models import DocumentJob


class DocumentJobsQuery(PageQuery):
    """Filter of the list of queued documents."""

    status: Literal["", "queued", "stored", "failed", "cancelled"] = ""


class DocumentJobOut(BaseModel):
    """The progress of a queued document: queued, stored, failed or cancelled.

    `document` is the answer that storing it at once would have had, without the title; `error` says why it failed.
    """

    id: UUID
    status: str
    recorded_at: datetime
    cancelled_at: datetime | None
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    document: dict[str, Any] | None
    error: dict[str, Any] | None


def render(row: DocumentJob) -> dict[str, Any]:
    """Return a job as JSON-ready values."""
    status, result = status_of(row), row.result or {}
    return DocumentJobOut(
        id=row.id,
        status=status,
        recorded_at=row.recorded_at,
        cancelled_at=row.cancelled_at,
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        on_behalf_of=row.on_behalf_of,
        document=result if status == "stored" else None,
        error={"status": row.status} | result["error"] if status == "failed" else None,
    ).model_dump(mode="json")


class DocumentJobList(NativeView):
    """Queued documents."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.MEMORY_READ}

    @described("documents_jobs", query=DocumentJobsQuery, responses={200: page_of(DocumentJobOut)})
    def get(self, request: Request) -> Response:
        """List queued documents, newest first."""
        asked = self.query(DocumentJobsQuery)
        with tenant_transaction(self.organisation):
            rows = list_jobs(
                organisation=self.organisation,
                limit=asked.limit + 1,
                before=asked.before,
                status=asked.status,
            )
        return Response(page(request._request, rows, asked.limit, [render(row) for row in rows]))


class CancelsDocumentJob(NativeView):
    """Reads and cancels a queued document."""

    def progress(self, ids: dict[str, Any], job: UUID) -> Response:
        """Return a job as it is now."""
        del ids
        with tenant_transaction(self.organisation):
            return Response(render(get_job(organisation=self.organisation, job=job)))

    @once(anew=progress)
    def cancel(self, request: Request, job: UUID) -> Response:
        """Cancel a document that is not stored yet."""
        del request
        reason = self.body(CancelIn).reason if self.json is not None else ""
        of_anybody = self.principal.may(Scope.MEMORY_WRITE)
        return Response(render(cancel(**self.caller, job=job, of_anybody=of_anybody, reason=reason)))


class DocumentJobCancel(CancelsDocumentJob):
    """Cancels a queued document."""

    scopes: ClassVar[dict[str, Scope]] = {"POST": Scope.MEMORY_PROPOSE}

    @described("documents_job_cancel", request=CancelIn, responses={200: DocumentJobOut}, takes_key=True)
    def post(self, request: Request, job: UUID) -> Response:
        """Cancel a document that is not stored yet."""
        return self.cancel(request, job)


class DocumentJobDetail(CancelsDocumentJob):
    """A queued document."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.MEMORY_READ, "DELETE": Scope.MEMORY_PROPOSE}

    @described("documents_job", responses={200: DocumentJobOut})
    def get(self, request: Request, job: UUID) -> Response:
        """Return a queued document's progress."""
        del request
        return self.progress({}, job)

    @described("documents_job_delete", request=CancelIn, responses={200: DocumentJobOut}, takes_key=True)
    def delete(self, request: Request, job: UUID) -> Response:
        """Cancel a document that is not stored yet, as `POST …/cancel` does."""
        return self.cancel(request, job)
