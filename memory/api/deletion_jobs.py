"""`/api/v1/memories/deletions`: list, read and cancel deletions in background."""

from datetime import datetime
from typing import Any, Literal
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
from memory.erasure.deletion_jobs import cancel_deletion, get_deletion, list_deletions
from memory.models import DeletionJob


class DeletionJobsQuery(PageQuery):
    """Filter of the list of deletions."""

    status: Literal["", "queued", "running", "done", "stopped", "cancelled"] = ""


class DeletionJobOut(BaseModel):
    """A deletion by a worker: queued, running, done, cancelled, or stopped because its caller may no longer erase.

    `erased` includes copies.
    """

    id: UUID
    status: str
    count: int
    done: int
    erased: int
    erasures: list[UUID]
    actor_kind: str
    actor_id: str
    on_behalf_of: str
    recorded_at: datetime
    finished_at: datetime | None
    cancelled_at: datetime | None


def render(row: DeletionJob) -> dict[str, Any]:
    """Return a deletion as JSON-ready values."""
    fields = {name: getattr(row, name) for name in DeletionJobOut.model_fields}
    return DeletionJobOut.model_validate(fields).model_dump(mode="json")


class DeletionList(NativeView):
    """Deletions in background."""

    scopes = {"GET": Scope.MEMORY_READ}

    @described("memories_deletions", query=DeletionJobsQuery, responses={200: page_of(DeletionJobOut)})
    def get(self, request: Request) -> Response:
        """List deletions in background, newest first."""
        asked = self.query(DeletionJobsQuery)
        with tenant_transaction(self.organisation):
            rows = list_deletions(
                organisation=self.organisation,
                limit=asked.limit + 1,
                before=asked.before,
                status=asked.status,
            )
        return Response(page(request._request, rows, asked.limit, [render(row) for row in rows]))


class CancelsDeletion(NativeView):
    """Reads and cancels a deletion."""

    def progress(self, ids: dict[str, Any], deletion: UUID) -> Response:
        """Return a deletion as it is now."""
        del ids
        with tenant_transaction(self.organisation):
            return Response(render(get_deletion(organisation=self.organisation, deletion=deletion)))

    @once(anew=progress)
    def cancel(self, request: Request, deletion: UUID) -> Response:
        """Cancel a deletion that has not ended."""
        del request
        reason = self.body(CancelIn).reason if self.json is not None else ""
        return Response(render(cancel_deletion(**self.caller, deletion=deletion, reason=reason)))


class DeletionCancel(CancelsDeletion):
    """Cancels a deletion."""

    scopes = {"POST": Scope.MEMORY_WRITE}

    @described("memories_deletion_cancel", request=CancelIn, responses={200: DeletionJobOut}, takes_key=True)
    def post(self, request: Request, deletion: UUID) -> Response:
        """Cancel a deletion before its next thousand memories; those that are erased stay so."""
        return self.cancel(request, deletion)


class DeletionDetail(CancelsDeletion):
    """A deletion by a worker."""

    scopes = {"GET": Scope.MEMORY_READ, "DELETE": Scope.MEMORY_WRITE}

    @described("memories_deletion", responses={200: DeletionJobOut})
    def get(self, request: Request, deletion: UUID) -> Response:
        """Return a deletion's progress and the receipts of its erasures."""
        del request
        return self.progress({}, deletion)

    @described("memories_deletion_delete", request=CancelIn, responses={200: DeletionJobOut}, takes_key=True)
    def delete(self, request: Request, deletion: UUID) -> Response:
        """Cancel a deletion, as `POST …/cancel` does."""
        return self.cancel(request, deletion)
