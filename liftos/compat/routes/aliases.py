"""Routes that the seed's own clients call and its service never had, as thin aliases: each reads what the client reads back.

The Streamlit page (`GET /api/v1/search`, `GET /api/v1/recent`, `POST /api/v1/store`), the feedback and the intelligence service, the
UI shell (`/api/v1/memory/…`), and the load test (`/memory/store`, `/memory/search`).
"""

import json
from datetime import UTC
from typing import Annotated, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.compat.callers import MAX_USER, acting, text_of
from liftos.compat.routes.memory import Search as SeedSearchView
from liftos.compat.routes.memory import Store as SeedStoreView
from liftos.compat.routes.organisation import Insights, title_of
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import PermissionDenied
from liftos.kernel.http.envelope import Envelope
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.times import EndMoment, Moment, none_for_empty, not_before
from liftos.kernel.http.views import SeedView
from liftos.kernel.tenancy.types import Scope
from memory.api.credential_trust import trust_of
from memory.api.native import Search as NativeSearchView
from memory.api.schemas import MAX_CONTENT, RejectionOut, SeedStore, naive
from memory.api.search_schemas import SeedSearch, seed_hit
from memory.operations import embed_drafts, remember
from memory.queries import list_memories
from memory.search.filters import parse_filters
from memory.search.service import search
from memory.search.types import MAX_LIMIT, Hit, SearchRequest, SearchType
from memory.types import MemoryDraft

TYPES = {
    "semantic": SearchType.NEURAL,
    "keyword": SearchType.KNOWLEDGE,
    "hybrid": SearchType.HYBRID,
    "neural": SearchType.NEURAL,
    "knowledge": SearchType.KNOWLEDGE,
    "conceptual": SearchType.CONCEPTUAL,
}


def _search_type(text: str) -> str:
    if text not in TYPES:
        raise ValueError(f"must be one of {', '.join(TYPES)}")
    return text


class PageSearch(BaseModel):
    """What the Streamlit page and the intelligence service ask in the query string; `tags` may stand several times."""

    query: QueryText = Field(max_length=MAX_CONTENT)
    user_id: QueryText = Field(default="", max_length=MAX_USER)
    search_type: Annotated[QueryText, AfterValidator(_search_type)] = "hybrid"
    limit: int = Field(default=20, ge=1, le=MAX_LIMIT)
    tags: QueryText = ""
    start_date: Annotated[Moment | None, BeforeValidator(none_for_empty)] = None
    end_date: Annotated[EndMoment | None, BeforeValidator(none_for_empty)] = None

    _in_order = not_before("end_date", "start_date")


class RecentQuery(BaseModel):
    """What the Streamlit page asks of recent activities."""

    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    user_id: QueryText = Field(default="", max_length=MAX_USER)


class LooseStore(BaseModel):
    """What the Streamlit page (`data`) and the feedback service (`content`) send to be stored."""

    data: Any = None
    content: str | None = Field(default=None, max_length=MAX_CONTENT)
    metadata: dict[str, Any] | None = None
    tags: list[Annotated[str, Field(max_length=100)]] | None = Field(default=None, max_length=100)
    memory_type: str | None = Field(default=None, max_length=100)
    user_id: str | int | None = None
    organization_id: str | int | None = None


class LooseStored(BaseModel):
    """The answer to a loose store."""

    memory_id: UUID
    id: UUID
    success: bool
    embedding: str
    state: str | None = None
    rejection: RejectionOut | None = None


class KeyValue(BaseModel):
    """What the load test stores: a value under a key."""

    value: Any
    key: str | None = Field(default=None, max_length=1_000)
    context: Any = None


class LooseSearch(BaseModel):
    """What the load test asks."""

    query: str = Field(max_length=MAX_CONTENT)
    limit: int = Field(default=10, ge=1, le=MAX_LIMIT)
    context: Any = None
    filters: dict[str, Any] | None = None


class PageHit(BaseModel):
    """A found memory as the page shows it."""

    id: UUID
    title: str
    content: Any
    score: float
    type: str
    date: str
    tags: list[str]
    metadata: dict[str, Any]


class PageSearchOut(BaseModel):
    """The answer to the page's search; `data` repeats the results for the intelligence service."""

    results: list[PageHit]
    summary: str
    total_count: int
    query: str
    data: dict[str, Any]


class RecentOut(BaseModel):
    """The newest activities."""

    activities: list[dict[str, Any]]


def page_hit(hit: Hit) -> dict[str, Any]:
    """Return a found memory as the page shows it, with the date it is filtered by; a content that is a JSON object is shown as one."""
    moment = hit.happened_at or hit.recorded_at
    return {
        "id": str(hit.id),
        "title": str(hit.metadata.get("title") or title_of(hit.content)),
        "content": _structured(hit.content),
        "score": hit.ranked.score,
        "type": hit.memory_type,
        "date": moment.astimezone(UTC).date().isoformat(),
        "tags": hit.tags,
        "metadata": hit.metadata,
    }


class SearchOrPage(NativeSearchView):
    """`POST /api/v1/search`, and the page's `GET`."""

    tolerates = frozenset({"get", "head"})
    scopes = {"GET": Scope.MEMORY_READ, "POST": Scope.MEMORY_READ}

    @extend_schema(
        operation_id="search_page", parameters=query_parameters(PageSearch), responses={200: PageSearchOut}
    )
    def get(self, request: Request) -> Response:
        """Search by query string, for pages; `POST` is the search with filters, times and explanations."""
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
            organisation=principal.organisation, by=acting(principal, asked.user_id), request=wanted
        )
        results = [page_hit(hit) for hit in answer.hits]
        return Response(
            {
                "results": results,
                "summary": _summary(asked.query, results, answer.candidates),
                "total_count": len(results),
                "query": asked.query,
                "data": {"results": results},
            }
        )


class Recent(SeedView):
    """`GET /api/v1/recent`."""

    scopes = {"GET": Scope.MEMORY_READ}
    error_style = "problem"

    @extend_schema(
        operation_id="recent", parameters=query_parameters(RecentQuery), responses={200: RecentOut}
    )
    def get(self, request: Request) -> Response:
        """List the newest memories as activities."""
        del request
        asked, organisation = self.query(RecentQuery), self.principal.organisation
        with tenant_transaction(organisation):
            rows = list_memories(organisation=organisation, limit=asked.limit, narrowed=SearchRequest(""))
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


class _LooseStore(SeedView):
    scopes = {"POST": Scope.MEMORY_PROPOSE}
    error_style = "problem"

    def draft(self) -> MemoryDraft:
        """Return what is to be stored."""
        asked = self.body(LooseStore)
        if asked.content is None and asked.data is None:
            raise InvalidRequest([item("missing", ("body", "data"), "Field required", self.json)])
        data = asked.data if isinstance(asked.data, dict) else {}
        content = asked.content
        if content is None:
            own = next((data[name] for name in ("content", "text") if isinstance(data.get(name), str)), None)
            content = text_of(asked.data) if own is None else own
        if len(content) > MAX_CONTENT:
            message = f"String should have at most {MAX_CONTENT} characters"
            raise InvalidRequest([item("string_too_long", ("body", "data"), message)])
        metadata = (
            asked.metadata
            if asked.metadata is not None
            else {name: value for name, value in data.items() if name not in ("content", "text")}
        )
        kind = asked.memory_type or (data.get("type") if isinstance(data.get("type"), str) else None)
        return MemoryDraft(content, metadata, (kind or "general")[:100], tags=tuple(asked.tags or ()))

    def warm_up(self) -> None:
        """Have the embedding made, and cached, before a transaction waits for it."""
        embed_drafts(self.principal.organisation, [self.draft()])


class LooseStoreView(_LooseStore):
    """`POST /api/v1/store`."""

    @extend_schema(operation_id="store_loose", request=LooseStore, responses={200: LooseStored})
    @once
    def post(self, request: Request) -> Response:
        """Store what a page sends; `organization_id` is a claim that must agree with the credential."""
        del request
        asked, principal = self.body(LooseStore), self.principal
        claimed = asked.organization_id
        if claimed not in (None, "") and str(claimed) not in (principal.slug, str(principal.organisation)):
            raise PermissionDenied("organization_id names another organisation than the credential.")
        stored = remember(
            organisation=principal.organisation,
            by=acting(principal, asked.user_id),
            draft=self.draft(),
            trust=trust_of(principal),
        )
        body = {"memory_id": str(stored.id), "id": str(stored.id), "success": True}
        return Response(body | {"embedding": str(stored.embedding)} | stored.mark)


class KeyValueStore(SeedView):
    """`POST /memory/store`."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}
    failure = "Enhanced memory storage failed"

    def draft(self) -> MemoryDraft:
        """Return what is to be stored."""
        asked = self.body(KeyValue)
        # a value may bring metadata of its own, by which this caller filters
        brought = asked.value.get("metadata") if isinstance(asked.value, dict) else None
        metadata: dict[str, Any] = dict(brought) if isinstance(brought, dict) else {}
        if asked.key is not None:
            metadata["key"] = asked.key
        if isinstance(asked.context, dict):
            metadata["context"] = asked.context
        content = text_of(asked.value)
        if len(content) > MAX_CONTENT:
            message = f"String should have at most {MAX_CONTENT} characters"
            raise InvalidRequest([item("string_too_long", ("body", "value"), message)])
        return MemoryDraft(content, metadata)

    def warm_up(self) -> None:
        """Have the embedding made, and cached, before a transaction waits for it."""
        embed_drafts(self.principal.organisation, [self.draft()])

    @extend_schema(operation_id="store_value", request=KeyValue, responses={200: LooseStored})
    @once
    def post(self, request: Request) -> Response:
        """Store a value; the same key again is a further memory."""
        del request
        principal = self.principal
        stored = remember(
            organisation=principal.organisation,
            by=principal.actor,
            draft=self.draft(),
            trust=trust_of(principal),
        )
        body = {"memory_id": str(stored.id), "id": str(stored.id), "success": True}
        return Response(body | {"embedding": str(stored.embedding)} | stored.mark)


class ValuesOut(BaseModel):
    """The answer to `POST /memory/search`: hits in the contract's form."""

    results: list[dict[str, Any]]
    count: int


class ValueSearch(SeedView):
    """`POST /memory/search`."""

    scopes = {"POST": Scope.MEMORY_READ}
    failure = "Enhanced memory search failed"

    @extend_schema(operation_id="search_values", request=LooseSearch, responses={200: ValuesOut})
    def post(self, request: Request) -> Response:
        """Search; `filters` are those of `POST /search`, `context` narrows nothing."""
        del request
        asked, principal = self.body(LooseSearch), self.principal
        wanted = SearchRequest(query=asked.query, limit=asked.limit, conditions=parse_filters(asked.filters))
        answer = search(organisation=principal.organisation, by=principal.actor, request=wanted)
        results = [seed_hit(hit) for hit in answer.hits]
        return Response({"results": results, "count": len(results)})


class ShellSearch(SeedSearchView):
    """`POST /api/v1/memory/search`."""

    @extend_schema(operation_id="shell_search", request=SeedSearch, responses={200: Envelope})
    def post(self, request: Request) -> Response:
        """Answer as `POST /search`."""
        return super().post(request)


class ShellStore(SeedStoreView):
    """`POST /api/v1/memory/store`."""

    @extend_schema(operation_id="shell_store", request=SeedStore, responses={200: Envelope})
    def post(self, request: Request) -> Response:
        """Answer as `POST /store`."""
        return super().post(request)


class ShellInsights(Insights):
    """`GET /api/v1/memory/insights`."""

    @extend_schema(operation_id="shell_insights", responses={200: Envelope})
    def get(self, request: Request) -> Response:
        """Answer as `GET /insights`."""
        return super().get(request)


def _structured(content: str) -> Any:
    if content[:1] != "{":
        return content
    try:
        value = json.loads(content)
    except ValueError:
        return content
    return value if isinstance(value, dict) else content


def _summary(query: str, results: list[dict[str, Any]], candidates: int) -> str:
    if not results:
        return f"Nothing was found for “{query}”."
    kinds = ", ".join(dict.fromkeys(result["type"] for result in results))
    many = "memory" if len(results) == 1 else "memories"
    return (
        f"{len(results)} {many} found for “{query}”, of {candidates} that were weighed. "
        f"The best is “{results[0]['title']}” ({results[0]['score']:.2f}). Types: {kinds}."
    )
