"""OpenAI's vector stores: `all`, and one for each source of memories."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.dropins.openai import shapes
from liftos.dropins.openai.filters import conditions_of
from liftos.dropins.openai.shapes import OpenAISearchIn, OpenAIStoresQuery
from liftos.dropins.views import DropInView, items_of
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import LiftosError, NotFound
from liftos.kernel.http.openapi import described
from liftos.kernel.tenancy.types import Scope
from memory.listing.queries import count_memories
from memory.search.filter_types import Narrowing
from memory.search.service import search_many
from memory.search.types import SearchRequest
from memory.values.queries import list_values
from memory.values.types import Place, Used, ValueOrder

ALL = "all"
"""The vector store of all memories that the caller sees."""
TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class VectorStoreNotFound(NotFound):
    """There is no such vector store: no memory of this source, which is its id."""


class OpenAIView(DropInView):
    """A base of OpenAI's routes."""

    tag = "openai"

    def error_body(self, error: LiftosError) -> dict[str, Any]:
        """Return OpenAI's error object, whose `param` is the first invalid field."""
        items = items_of(error)
        kind = "server_error" if error.status >= 500 else TYPES.get(error.status, "invalid_request_error")
        param = ".".join(str(part) for part in items[0]["loc"] if part != "body") if items else None
        return {"error": {"message": error.message, "type": kind, "param": param, "code": error.code}}

    def store(self, named: str) -> tuple[SearchRequest, int]:
        """Return the conditions of a vector store's memories, and how many there are.

        Raises:
            VectorStoreNotFound: there are none.
        """
        narrow = SearchRequest(query="", narrowing=Narrowing(source=None if named == ALL else named))
        with tenant_transaction(self.organisation):
            count = count_memories(organisation=self.organisation, narrowed=narrow)
        if not count and named != ALL:
            raise VectorStoreNotFound
        return narrow, count

    def sources(self, limit: int, after: str) -> list[Used]:
        """Return sources with their numbers of memories, by name."""
        with tenant_transaction(self.organisation):
            return list_values(
                organisation=self.organisation,
                field="source",
                narrowed=SearchRequest(query=""),
                prefix="",
                order=ValueOrder.VALUE,
                limit=limit,
                after=Place(0, after) if after else None,
            )


class VectorStores(OpenAIView):
    """`GET /v1/vector_stores`."""

    scopes = {"GET": Scope.MEMORY_READ}

    @described("openai_vector_stores", query=OpenAIStoresQuery, responses={200: shapes.OpenAIStoresOut})
    def get(self, request: Request) -> Response:
        """List the vector stores: `all`, then one for each source of memories, by name."""
        asked = self.query(OpenAIStoresQuery)
        first = [] if asked.after else [shapes.store_out(ALL, self.store(ALL)[1])]
        after = "" if asked.after == ALL else asked.after
        used = self.sources(asked.limit + 1, after)
        stores = first + [shapes.store_out(each.value, each.count) for each in used if each.value != ALL]
        shown = stores[: asked.limit]
        return Response(
            {
                "object": "list",
                "data": shown,
                "first_id": shown[0]["id"] if shown else None,
                "last_id": shown[-1]["id"] if shown else None,
                "has_more": len(stores) > asked.limit,
            }
        )


class VectorStore(OpenAIView):
    """`GET /v1/vector_stores/{store}`."""

    scopes = {"GET": Scope.MEMORY_READ}

    @described("openai_vector_store", responses={200: shapes.OpenAIStoreOut})
    def get(self, request: Request, store: str) -> Response:
        """Return a vector store: `all`, or a source of memories."""
        return Response(shapes.store_out(store, self.store(store)[1]))


class VectorStoreSearch(OpenAIView):
    """`POST /v1/vector_stores/{store}/search`."""

    scopes = {"POST": Scope.MEMORY_READ}

    def cost(self) -> int:
        """Return the number of queries."""
        queries = self.json.get("query") if isinstance(self.json, dict) else None
        return len(queries) if isinstance(queries, list) else 1

    @described("openai_vector_store_search", request=OpenAISearchIn, responses={200: shapes.OpenAISearchOut})
    def post(self, request: Request, store: str) -> Response:
        """Search a vector store's memories: filters compare their metadata, a result's content is their text or its best passages."""
        asked = self.body(OpenAISearchIn)
        conditions = conditions_of(asked.filters)
        narrow, _ = self.store(store)
        options = shapes.request_of(asked, narrow, conditions)
        found = search_many(**self.caller, queries=asked.queries, request=options).hits
        hits = shapes.together(found, asked.max_num_results)
        return Response(
            {
                "object": "vector_store.search_results.page",
                "search_query": asked.queries,
                "data": [shapes.found_out(hit) for hit in hits],
                "has_more": False,
                "next_page": None,
            }
        )
