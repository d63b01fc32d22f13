"""`POST /api/v1/memories/delete` and `DELETE /api/v1/memories`: erase many memories, by ids or by conditions."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, model_validator
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.memories import MemoryOut, render
from memory.api.memory_lists import ListQuery
from memory.erasure.deletions import Deletion, delete_matching
from memory.erasure.operations import TOGETHER, forget_many
from memory.inputs import Reason
from memory.queries import existing, get_memories
from memory.search.narrowing_inputs import NarrowIn
from memory.search.types import SearchRequest

CONDITIONS = frozenset(NarrowIn.model_fields) - {"as_of", "known_at"}


class DeletionIn(NarrowIn):
    """The memories to erase: `ids`, or conditions as for a list, at least one. `dry_run` only tells how many there are."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=TOGETHER)] | None = None
    reason: Reason = ""
    dry_run: bool = False

    @model_validator(mode="after")
    def check_conditions(self) -> "DeletionIn":
        """Require one way to name memories: nothing at all would erase everything."""
        if self.as_of is not None or self.known_at is not None:
            raise ValueError("as_of and known_at can't be used to delete")
        given = conditions_of(self)
        if self.ids is None and not given:
            raise ValueError("needs ids or a condition")
        if self.ids is not None and given:
            raise ValueError(f"ids can't be combined with {', '.join(sorted(given))}")
        return self


class DeletedOne(BaseModel):
    """The result for an id: 200, or 404 with an error."""

    id: UUID
    status: int
    deleted: bool
    error: dict[str, str] | None = None


class DeletionOut(BaseModel):
    """A deletion: `count` memories passed. `results` are those of `ids`, in their order.

    `erasure_id` is the receipt of what was erased at once, copies included; `job_id` and `url` are those of a job (202). A dry run
    has a `sample`.
    """

    count: int
    dry_run: bool
    erased: int
    erasure_id: UUID | None
    decision_id: UUID | None
    job_id: UUID | None
    url: str | None
    results: list[DeletedOne] | None = None
    sample: list[MemoryOut] | None = None


class DeletionQuery(ListQuery):
    """The conditions, as for the list."""

    reason: QueryText = Field(default="", max_length=2_000)
    dry_run: bool = False


class _Deletions(NativeView):
    """A base of deletions by conditions."""

    # conditions are compared, not stored
    screened = frozenset({"reason"})

    def rehearse(self, narrowed: SearchRequest) -> Response:
        """Answer with what passes the conditions, and a sample."""
        done = delete_matching(**self.caller, narrowed=narrowed, dry_run=True)
        with tenant_transaction(self.organisation):
            rows = get_memories(organisation=self.organisation, memories=done.sample)
            sample = [render(rows[each]) for each in done.sample if each in rows]
        return Response(_body(done, dry_run=True) | {"sample": sample})

    @once
    def erase(self, request: Request, narrowed: SearchRequest, reason: str) -> Response:
        """Erase what passes the conditions."""
        del request
        done = delete_matching(**self.caller, narrowed=narrowed, reason=reason)
        return Response(_body(done, dry_run=False), status=202 if done.job else 200)

    @once
    def erase_by_id(self, request: Request, ids: Sequence[UUID], reason: str) -> Response:
        """Erase memories by id in one transaction."""
        del request
        progress = None
        with tenant_transaction(self.organisation):
            found = existing(organisation=self.organisation, memories=ids)
            if found:
                [progress] = forget_many(**self.caller, memories=ids, reason=reason)
        body = _body(Deletion(len(found), progress=progress), dry_run=False)
        return Response(body | {"results": [_result(each, is_found=each in found) for each in ids]})


class MemoryDeletion(_Deletions):
    """Erases memories by ids or conditions in the body."""

    scopes = {"POST": Scope.MEMORY_WRITE}

    @described(
        "memories_delete_many",
        request=DeletionIn,
        responses={200: DeletionOut, 202: DeletionOut},
        takes_key=True,
    )
    def post(self, request: Request) -> Response:
        """Erase up to 1,000 memories by id in one transaction, or those that pass conditions; beyond 1,000 in background (202)."""
        asked = self.body(DeletionIn)
        if asked.ids is not None:
            if asked.dry_run:
                return self._rehearse_ids(asked.ids)
            return self.erase_by_id(request, asked.ids, asked.reason)
        if asked.dry_run:
            return self.rehearse(asked.narrowed())
        return self.erase(request, asked.narrowed(), asked.reason)

    def _rehearse_ids(self, ids: Sequence[UUID]) -> Response:
        with tenant_transaction(self.organisation):
            found = existing(organisation=self.organisation, memories=ids)
        results = [_result(each, is_found=each in found, dry_run=True) for each in ids]
        return Response(_body(Deletion(len(found)), dry_run=True) | {"results": results})


class MemoriesDeletion(_Deletions):
    """Erases memories by conditions in the query string."""

    scopes = {"DELETE": Scope.MEMORY_WRITE}

    @described(
        "memories_delete_matching",
        query=DeletionQuery,
        responses={200: DeletionOut, 202: DeletionOut},
        takes_key=True,
    )
    def delete(self, request: Request) -> Response:
        """Erase the memories that pass the conditions, at least one: `source`, `tags`, … as for the list; beyond 1,000 in background."""
        given = request._request.GET
        for name in ("limit", "cursor", "order", "total", "as_of", "known_at"):
            if given.get(name):
                raise InvalidRequest([item("extra_forbidden", ("query", name), "Can't be used to delete")])
        asked = self.query(DeletionQuery)
        listed = asked.list_in()
        if not conditions_of(listed):
            raise InvalidRequest([item("missing", ("query",), "Needs a condition, such as source")])
        if asked.dry_run:
            return self.rehearse(listed.narrowed())
        return self.erase(request, listed.narrowed(), asked.reason)


def conditions_of(asked: NarrowIn) -> set[str]:
    """Return the names of the conditions that are given; empty filters are none."""
    return {name for name in CONDITIONS & asked.model_fields_set if name != "filters" or asked.filters}


def _body(done: Deletion, *, dry_run: bool) -> dict[str, Any]:
    receipt = done.progress.receipt if done.progress else None
    return {
        "count": done.count,
        "dry_run": dry_run,
        "erased": done.progress.erased if done.progress else 0,
        "erasure_id": str(receipt.id) if receipt else None,
        "decision_id": str(receipt.decision) if receipt else None,
        "job_id": str(done.job) if done.job else None,
        "url": f"/api/v1/memories/deletions/{done.job}" if done.job else None,
    }


def _result(memory: UUID, *, is_found: bool, dry_run: bool = False) -> dict[str, Any]:
    if is_found:
        return {"id": str(memory), "status": 200, "deleted": not dry_run}
    error = {"detail": "There is no such memory.", "code": "memory.not_found"}
    return {"id": str(memory), "status": 404, "deleted": False, "error": error}
