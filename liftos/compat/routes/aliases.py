"""Routes that the old platform's clients call although its service never had them, in the shapes that these clients expect.

The Streamlit page (`GET /api/v1/search`, `GET /api/v1/recent`, `POST /api/v1/store`), the feedback and the intelligence service, the
UI shell (`/api/v1/memory/…`), and the load test (`/memory/store`, `/memory/search`).
"""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.compat.routes import memory
from liftos.compat.routes.organisation import Insights
from liftos.compat.shapes.aliases import (
    TYPES,
    KeyValue,
    LooseSearch,
    LooseStore,
    LooseStored,
    PageSearch,
    PageSearchOut,
    RecentOut,
    RecentQuery,
    ValuesOut,
    page_hit,
    summary,
)
from liftos.compat.shapes.memory import SearchIn, StoreIn, hit_out, naive, title_of
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import PermissionDenied
from liftos.kernel.http.envelope import Envelope
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described, described_by_class
from liftos.kernel.http.views import CompatView
from liftos.kernel.tenancy.types import Actor, Scope
from memory import operations
from memory.operations import Prepared
from memory.queries import list_memories
from memory.search.filters import parse_filters
from memory.search.service import search
from memory.search.types import SearchRequest
from memory.types import MemoryDraft, trust_of


class SearchPage(CompatView):
    """`GET /api/v1/search`; `POST` on this path is the native search (`liftos.urls`)."""

    scopes = {"GET": Scope.MEMORY_READ}
    error_style = "problem"

    @described("search_page", query=PageSearch, responses={200: PageSearchOut})
    def get(self, request: Request) -> Response:
        """Search with a query string, for web pages; `POST` is the native search."""
        asked, principal = self.query(PageSearch), self.principal
        tags = [each.strip() for text in request._request.GET.getlist("tags") for each in text.split(",")]
        wanted = SearchRequest(
            query=asked.query,
            search_type=TYPES[asked.search_type],
            limit=asked.limit,
            tags=tuple(dict.fromkeys(tag for tag in tags if tag and "\x00" not in tag)),
            happened_from=asked.start_date,
            happened_until=asked.end_date,
        )
        answer = search(
            organisation=principal.organisation, by=principal.acting_for(asked.user_id), request=wanted
        )
        results = [page_hit(hit) for hit in answer.hits]
        return Response(
            {
                "results": results,
                "summary": summary(asked.query, results, answer.candidates),
                "total_count": len(results),
                "query": asked.query,
                "data": {"results": results},
            }
        )


class Recent(CompatView):
    """`GET /api/v1/recent`."""

    scopes = {"GET": Scope.MEMORY_READ}
    error_style = "problem"

    @described("recent", query=RecentQuery, responses={200: RecentOut})
    def get(self, request: Request) -> Response:
        """List the newest memories as activities."""
        asked = self.query(RecentQuery)
        with tenant_transaction(self.organisation):
            rows = list_memories(
                organisation=self.organisation, limit=asked.limit, narrowed=SearchRequest("")
            )
        activities = [
            {
                "type": row.memory_type,
                "timestamp": naive(row.recorded_at),
                "details": title_of(row.content),
                "memory_id": str(row.id),
                "user_id": row.on_behalf_of,
            }
            for row in rows
        ]
        return Response({"activities": activities})


class _Storing(CompatView):
    """Base of the routes that store one memory."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}
    screened = frozenset()  # the operation screens memories

    def draft(self) -> MemoryDraft:
        """Return the memory in the body."""
        raise NotImplementedError

    def prepare(self) -> Prepared:
        """Read and embed the memory."""
        return operations.prepare(self.organisation, [self.draft()], trust_of(self.principal))

    def store(self, by: Actor, prepared: Prepared) -> Response:
        """Store the memory."""
        stored = operations.commit_one(organisation=self.organisation, by=by, prepared=prepared)
        body: dict[str, Any] = {"memory_id": str(stored.id), "id": str(stored.id), "success": True}
        return Response(body | {"embedding": str(stored.embedding)} | stored.mark)


class StoreLoosely(_Storing):
    """`POST /api/v1/store`."""

    error_style = "problem"

    def draft(self) -> MemoryDraft:
        """Return the memory in the body."""
        return self.body(LooseStore).draft(self.json)

    @described("store_loose", request=LooseStore, responses={200: LooseStored})
    @once(prepare=_Storing.prepare)
    def post(self, request: Request, prepared: Prepared) -> Response:
        """Store a memory; `organization_id`, if given, must be the credential's."""
        asked, principal = self.body(LooseStore), self.principal
        claimed = asked.organization_id
        if claimed not in (None, "") and str(claimed) not in (principal.slug, str(principal.organisation)):
            raise PermissionDenied("organization_id is not the credential's organisation.")
        return self.store(principal.acting_for(asked.user_id), prepared)


class KeyValueStore(_Storing):
    """`POST /memory/store`."""

    failure = "Enhanced memory storage failed"

    def draft(self) -> MemoryDraft:
        """Return the memory in the body."""
        return self.body(KeyValue).draft()

    @described("store_value", request=KeyValue, responses={200: LooseStored})
    @once(prepare=_Storing.prepare)
    def post(self, request: Request, prepared: Prepared) -> Response:
        """Store a value; storing under the same key again creates another memory."""
        return self.store(self.principal.actor, prepared)


class ValueSearch(CompatView):
    """`POST /memory/search`."""

    scopes = {"POST": Scope.MEMORY_READ}
    failure = "Enhanced memory search failed"

    @described("search_values", request=LooseSearch, responses={200: ValuesOut})
    def post(self, request: Request) -> Response:
        """Search; `filters` are those of `POST /search`, `context` is ignored."""
        asked = self.body(LooseSearch)
        wanted = SearchRequest(query=asked.query, limit=asked.limit, conditions=parse_filters(asked.filters))
        answer = search(**self.caller, request=wanted)
        results = [hit_out(hit) for hit in answer.hits]
        return Response({"results": results, "count": len(results)})


@described_by_class(
    "shell_search", request=SearchIn, responses={200: Envelope}, description="Same as `POST /search`."
)
class ShellSearch(memory.Search):
    """`POST /api/v1/memory/search`."""


@described_by_class(
    "shell_store", request=StoreIn, responses={200: Envelope}, description="Same as `POST /store`."
)
class ShellStore(memory.Store):
    """`POST /api/v1/memory/store`."""


@described_by_class(
    "shell_insights", method="get", responses={200: Envelope}, description="Same as `GET /insights`."
)
class ShellInsights(Insights):
    """`GET /api/v1/memory/insights`."""
