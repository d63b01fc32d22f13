"""`/api/v1/memories` and `/api/v1/search`."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.compat.callers import acting
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import REPLAYED, actor_of, idempotency_key, once
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.pagination import page
from liftos.kernel.http.preconditions import etag_of, if_match
from liftos.kernel.http.views import NativeView
from liftos.kernel.precedence import giving_way
from liftos.kernel.tenancy.types import Scope
from memory import operations, queries
from memory.api.bulk import accept_once, store_lines, store_lines_once
from memory.api.credential_trust import trust_of, wish_of
from memory.api.schemas import (
    BulkAccepted,
    BulkJobOut,
    BulkJobQuery,
    BulkLine,
    BulkQuery,
    BulkResult,
    MemoryCreate,
    MemoryCreated,
    MemoryOut,
    MemoryPage,
    MemoryQuery,
)
from memory.api.search_schemas import (
    NativeSearch,
    NativeSearches,
    PromptQuery,
    SearchesOut,
    SearchOut,
    any_cut,
    found_memory,
    native_hit,
    scored_id,
)
from memory.api.trust_schemas import Correction, Deleted, MemoryPatch, RevisedOut
from memory.bulk.jobs import get_progress, list_results
from memory.erasure.operations import forget
from memory.models import Memory
from memory.operations import embed_drafts
from memory.search.prompt import as_prompt
from memory.search.service import search, search_many
from memory.trust.revision import revise
from memory.trust.wishes import revise_as_wished
from memory.types import EmbeddingState, Outcome, granted

NO_SPACE = OpenApiResponse(
    description="There is no such space, version or member, or it is another organisation's"
)


def render(memory: Memory) -> dict[str, Any]:
    """Return a memory as JSON-ready values."""
    fields = {name: getattr(memory, name) for name in MemoryOut.model_fields if hasattr(memory, name)}
    links = [
        {
            "kind": link.kind,
            "external_id": link.target_external_id or None,
            "weight": link.weight,
            "target": link.target_id,
        }
        for link in memory.links.all()
    ]
    fields |= {"links": links, "external_id": memory.external_id or None, "created_at": memory.recorded_at}
    return MemoryOut.model_validate(fields).model_dump(mode="json")


class MemoryCollection(NativeView):
    """The organisation's memories."""

    scopes = {"GET": Scope.MEMORY_READ, "POST": Scope.MEMORY_PROPOSE}

    def warm_up(self) -> None:
        """Have the embedding made, and cached, before a transaction waits for it."""
        embed_drafts(self.principal.organisation, [self.body(MemoryCreate).draft()])

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
                narrowed=query.narrowed(),
                source=query.source,
                external_id=query.external_id,
            )
            results = [render(row) for row in rows]
        return Response(page(request._request, rows, query.limit, results))

    @extend_schema(
        operation_id="memories_create",
        request=MemoryCreate,
        responses={201: MemoryCreated, 200: MemoryCreated},
    )
    @once
    def post(self, request: Request) -> Response:
        """Store a memory; the same one again under its external id answers 200 with the earlier id."""
        del request
        asked, principal = self.body(MemoryCreate), self.principal
        draft, trust = asked.draft(), trust_of(principal)
        stored = operations.remember(
            organisation=principal.organisation,
            by=acting(principal, asked.user_id),
            draft=draft,
            trust=trust,
        )
        body = {
            "id": str(stored.id),
            "memory_id": str(stored.id),
            "outcome": str(stored.outcome),
            "embedding": str(stored.embedding),
            "state": str(granted(trust, draft.wish)),
            "decision_id": str(stored.decision),
        } | stored.mark
        if stored.outcome is not Outcome.STORED:
            with tenant_transaction(principal.organisation):
                body["state"] = queries.get_memory(
                    organisation=principal.organisation, memory=stored.id
                ).state
            return Response(body, status=200)
        return Response(body, status=201, headers={"ETag": etag_of(1)})


class MemoryBulk(NativeView):
    """Many memories at once."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}
    costly = True
    reads_json = False

    def cost(self) -> int:
        """Return one for each hundred kilobytes, some five hundred lines."""
        return int(self.request.META.get("CONTENT_LENGTH") or 0) // 100_000

    @extend_schema(
        operation_id="memories_bulk",
        parameters=query_parameters(BulkQuery),
        request={"application/x-ndjson": OpenApiTypes.STR},
        responses={200: BulkResult, 202: BulkAccepted, 207: BulkResult},
        description="One JSON object a line, each as for storing one memory. A bad line loses only itself.",
    )
    def post(self, request: Request) -> Response:
        """Store a memory for each line; all that are taken can be found when this answers, or later with `mode=async`."""
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


class MemoryBulkJob(NativeView):
    """A bulk store that a worker carries out."""

    scopes = {"GET": Scope.MEMORY_READ}

    @extend_schema(
        operation_id="memories_bulk_job",
        parameters=query_parameters(BulkJobQuery),
        responses={200: BulkJobOut},
    )
    def get(self, request: Request, job: UUID) -> Response:
        """Tell how far it has come, with the results of the lines that are done, 500 lines of them a page."""
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
            stored=counts.get(201, 0),
            unchanged=counts.get(200, 0),
            failed=sum(count for status, count in counts.items() if status >= 400),
            results=[BulkLine.model_validate(each) for each in results],
            next=None if following is None else f"{url}?cursor={following}",
        )
        return Response(shown.model_dump(mode="json", exclude_unset=True))


class MemoryDetail(NativeView):
    """One memory."""

    scopes = {"GET": Scope.MEMORY_READ, "PATCH": Scope.MEMORY_WRITE, "DELETE": Scope.MEMORY_WRITE}

    @extend_schema(operation_id="memories_get", responses={200: MemoryOut})
    def get(self, request: Request, memory: UUID) -> Response:
        """Return a memory, of whatever trust state; its version is the ETag."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            row = queries.get_memory(organisation=organisation, memory=memory)
            headers = {"ETag": etag_of(row.version)}
            if row.embedding != EmbeddingState.READY or any(
                link.target_id is None for link in row.links.all()
            ):
                # what is still to come is no new version: nobody may keep this and be told that it is the newest
                headers["Cache-Control"] = "no-store"
            return Response(render(row), headers=headers)

    @extend_schema(operation_id="memories_patch", request=MemoryPatch, responses={200: RevisedOut})
    def patch(self, request: Request, memory: UUID) -> Response:
        """Make a new version; `If-Match` names the one it is made from (428 without, 412 if it is another)."""
        asked, principal = self.body(MemoryPatch), self.principal
        wish = wish_of(asked.state, asked.trust)
        change: dict[str, Any] = {
            "organisation": principal.organisation,
            "by": principal.actor,
            "memory": memory,
            "changes": asked.changes(),
            "version": if_match(request._request, required=True),
            "reason": asked.reason,
        }
        changed = None
        if wish is None:
            revised = revise(**change)
        else:
            revised, changed = revise_as_wished(**change, wish=wish, may_reinstate=principal.may(Scope.ADMIN))
        version, decision = revised.version, revised.decision
        if changed is not None:
            version, decision = changed.version, changed.decision
        body: dict[str, Any] = {
            "id": str(revised.id),
            "version": version,
            "state": str(changed.state if changed else revised.state),
            "embedding": str(revised.embedding),
            "decision_id": str(decision) if decision else None,
        }
        if revised.flagged is not None:
            body["rejection"] = revised.flagged.as_json()
        return Response(body, headers={"ETag": etag_of(version)})

    @extend_schema(operation_id="memories_delete", request=Correction, responses={200: Deleted})
    def delete(self, request: Request, memory: UUID) -> Response:
        """Erase a memory with all its versions and everything it can be found by; answers with a receipt's id."""
        principal = self.principal
        receipt = forget(
            organisation=principal.organisation,
            by=principal.actor,
            memory=memory,
            reason=self.body(Correction).reason if self.json is not None else "",
            version=if_match(request._request),
        )
        body = {
            "id": str(memory),
            "deleted": True,
            "decision_id": str(receipt.decision),
            "erasure_id": str(receipt.id),
        }
        return Response(body)


class Search(NativeView):
    """Search, explained."""

    scopes = {"POST": Scope.MEMORY_READ}

    @extend_schema(
        operation_id="search_native",
        request=NativeSearch,
        parameters=query_parameters(PromptQuery),
        responses={200: SearchOut, 404: NO_SPACE},
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
        body |= any_cut(answer.hits)
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
    costly = True

    def cost(self) -> int:
        """Return the number of queries."""
        queries = self.json.get("queries") if isinstance(self.json, dict) else None
        return len(queries) if isinstance(queries, list) else 1

    @extend_schema(
        operation_id="search_batch_native",
        request=NativeSearches,
        responses={200: SearchesOut, 404: NO_SPACE},
    )
    def post(self, request: Request) -> Response:
        """Search for each query; results stand in the order of the queries, each memory once, under one decision record."""
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
                "results": [[scored_id(hit) for hit in hits] for hits in giving_way(answers.hits)],
                "memories": {
                    str(hit.id): found_memory(hit) for hits in giving_way(answers.hits) for hit in hits
                },
                "next": None,
                "search_type": str(answers.search_type),
                "degraded": list(answers.degraded),
                "decision_id": str(answers.decision),
                "correlation_id": self.correlation_id,
            }
            | any_cut(hit for hits in answers.hits for hit in hits)
        )
