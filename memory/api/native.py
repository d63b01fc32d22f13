"""`/api/v1/memories` and `/api/v1/search`."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.api.pagination import page
from liftos.api.schema import query_parameters
from liftos.api.views import NativeView
from liftos.db import tenant_transaction
from liftos.tenancy.types import Scope
from memory import operations, queries
from memory.api.bulk import store_lines
from memory.api.schemas import (
    BulkResult,
    Deleted,
    MemoryCreated,
    MemoryIn,
    MemoryOut,
    MemoryPage,
    MemoryQuery,
    NativeSearch,
    NativeSearches,
    PromptQuery,
    SearchesOut,
    SearchOut,
    native_hit,
)
from memory.models import Memory
from memory.search.prompt import as_prompt
from memory.search.service import search, search_many
from memory.types import Outcome


def render(memory: Memory) -> dict[str, Any]:
    """Return a memory as JSON-ready values."""
    fields = {name: getattr(memory, name) for name in MemoryOut.model_fields if hasattr(memory, name)}
    links = [
        {
            "kind": link.kind,
            "external_id": link.target_external_id,
            "weight": link.weight,
            "target": link.target_id,
        }
        for link in memory.links.all()
    ]
    fields |= {"links": links, "external_id": memory.external_id or None, "created_at": memory.recorded_at}
    return MemoryOut.model_validate(fields).model_dump(mode="json")


class MemoryCollection(NativeView):
    """The organisation's memories."""

    scopes = {"GET": Scope.MEMORY_READ, "POST": Scope.MEMORY_WRITE}

    @extend_schema(
        operation_id="memories_list", parameters=query_parameters(MemoryQuery), responses={200: MemoryPage}
    )
    def get(self, request: Request) -> Response:
        """List memories, newest first."""
        query, organisation = self.query(MemoryQuery), self.principal.organisation
        with tenant_transaction(organisation):
            rows = queries.list_memories(
                organisation=organisation,
                limit=query.limit + 1,
                before=query.before,
                memory_type=query.memory_type,
                source=query.source,
                external_id=query.external_id,
            )
            results = [render(row) for row in rows]
        return Response(page(request._request, rows, query.limit, results))

    @extend_schema(
        operation_id="memories_create", request=MemoryIn, responses={201: MemoryCreated, 200: MemoryCreated}
    )
    def post(self, request: Request) -> Response:
        """Store a memory; the same one again under its external id answers 200 with the earlier id."""
        del request
        asked, principal = self.body(MemoryIn), self.principal
        stored = operations.remember(
            organisation=principal.organisation, by=principal.actor, draft=asked.draft()
        )
        body = {
            "id": str(stored.id),
            "memory_id": str(stored.id),
            "outcome": stored.outcome,
            "embedding": stored.embedding,
        }
        return Response(body, status=201 if stored.outcome is Outcome.STORED else 200)


class MemoryBulk(NativeView):
    """Many memories at once."""

    scopes = {"POST": Scope.MEMORY_WRITE}
    reads_json = False

    @extend_schema(
        operation_id="memories_bulk",
        request={"application/x-ndjson": OpenApiTypes.STR},
        responses={200: BulkResult, 207: BulkResult},
        description="One JSON object a line, each as for storing one memory. A bad line loses only itself.",
    )
    def post(self, request: Request) -> Response:
        """Store a memory for each line; all that are taken can be found when this answers."""
        principal = self.principal
        lines = store_lines(organisation=principal.organisation, by=principal.actor, stream=request._request)
        counts = {status: sum(line["status"] == status for line in lines) for status in (201, 200)}
        failed = len(lines) - sum(counts.values())
        body = {
            "results": lines,
            "next": None,
            "stored": counts[201],
            "unchanged": counts[200],
            "failed": failed,
        }
        return Response(body, status=207 if failed else 200)


class MemoryDetail(NativeView):
    """One memory."""

    scopes = {"GET": Scope.MEMORY_READ, "DELETE": Scope.MEMORY_WRITE}

    @extend_schema(operation_id="memories_get", responses={200: MemoryOut})
    def get(self, request: Request, memory: UUID) -> Response:
        """Return a memory."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            return Response(render(queries.get_memory(organisation=organisation, memory=memory)))

    @extend_schema(operation_id="memories_delete", request=None, responses={200: Deleted})
    def delete(self, request: Request, memory: UUID) -> Response:
        """Delete a memory and everything it can be found by."""
        del request
        principal = self.principal
        decision = operations.forget(organisation=principal.organisation, by=principal.actor, memory=memory)
        return Response({"id": str(memory), "deleted": True, "decision_id": str(decision)})


class Search(NativeView):
    """Search, explained."""

    scopes = {"POST": Scope.MEMORY_READ}

    @extend_schema(
        operation_id="search_native",
        request=NativeSearch,
        parameters=query_parameters(PromptQuery),
        responses={200: SearchOut},
    )
    def post(self, request: Request) -> Response:
        """Search memories; each score is the sum of the terms beside it. `format=prompt` adds text for a prompt."""
        del request
        if isinstance(self.json, dict):
            self.json |= self.query(PromptQuery).model_dump(exclude_none=True)
        asked, principal = self.body(NativeSearch), self.principal
        answer = search(organisation=principal.organisation, by=principal.actor, request=asked.request())
        body: dict[str, Any] = {
            "results": [native_hit(hit) for hit in answer.hits],
            "next": None,
            "search_type": str(answer.search_type),
            "candidates": answer.candidates,
            "degraded": list(answer.degraded),
            "plans": answer.plans,
            "decision_id": str(answer.decision),
            "correlation_id": self.correlation_id,
        }
        if asked.format == "prompt":
            prompt = as_prompt(answer.hits, asked.token_budget)
            body |= {
                "results": body["results"][: len(prompt.ids)],
                "prompt": prompt.text,
                "tokens": prompt.tokens,
            }
        return Response(body)


class SearchBatch(NativeView):
    """Several searches at once."""

    scopes = {"POST": Scope.MEMORY_READ}

    @extend_schema(operation_id="search_batch_native", request=NativeSearches, responses={200: SearchesOut})
    def post(self, request: Request) -> Response:
        """Search for each query; results stand in the order of the queries, under one decision record."""
        del request
        asked, principal = self.body(NativeSearches), self.principal
        answers = search_many(
            organisation=principal.organisation,
            by=principal.actor,
            queries=asked.queries,
            request=asked.request(),
        )
        return Response(
            {
                "results": [[native_hit(hit) for hit in hits] for hits in answers.hits],
                "next": None,
                "search_type": str(answers.search_type),
                "degraded": list(answers.degraded),
                "decision_id": str(answers.decision),
                "correlation_id": self.correlation_id,
            }
        )
