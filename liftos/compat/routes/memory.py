"""The old memory routes, exactly as in the contract."""

from collections.abc import Callable
from time import perf_counter, perf_counter_ns
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.compat.shapes.memory import SearchIn, StoreIn, hit_out
from liftos.kernel.http.envelope import Envelope
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described, described_by_class
from liftos.kernel.http.views import CompatView
from liftos.kernel.telemetry.manager import get_observability
from liftos.kernel.tenancy.types import Scope
from memory import operations
from memory.index.embeddings import cache_stats
from memory.operations import Prepared
from memory.ports import spaces
from memory.search.service import search
from memory.types import EmbeddingState, trust_of


class Search(CompatView):
    """`POST /search`."""

    scopes = {"POST": Scope.MEMORY_READ}
    failure = "Enhanced memory search failed"
    search_type: ClassVar[str | None] = None

    @described("search", request=SearchIn, responses={200: Envelope})
    def post(self, request: Request) -> Response:
        """Search memories."""
        started, asked, principal = perf_counter(), self.body(SearchIn), self.principal
        answer = search(**self.caller, request=asked.request(self.search_type))
        totals = get_observability().totals("memory.", str(principal.organisation))
        data = {
            "results": [hit_out(hit) for hit in answer.hits],
            "count": len(answer.hits),
            "search_type": str(answer.search_type),
            "duration": perf_counter() - started,
            "performance_metrics": {
                "cache_hit_rate": cache_stats(principal.organisation)["hit_rate"],
                "average_operation_time_ms": totals.average_ms,
                "conceptual_spaces_available": spaces().count(principal.organisation),
            },
        }
        metadata = {
            "correlation_id": self.correlation_id,
            "org_id": principal.slug,
            "query_length": len(asked.query),
            "enhanced_features": ["embedding_cache", "conceptual_spaces", "observability"],
        }
        return self.envelope("Enhanced memory search completed", data, metadata)


def _typed(operation_id: str, description: str) -> Callable[[type[Search]], type[Search]]:
    return described_by_class(
        operation_id, request=SearchIn, responses={200: Envelope}, description=description
    )


@_typed("search_neural", "Search by meaning; the body's search_type is ignored.")
class NeuralSearch(Search):
    """`POST /search/neural`."""

    search_type = "neural"


@_typed("search_knowledge", "Search by words; the body's search_type is ignored.")
class KnowledgeSearch(Search):
    """`POST /search/knowledge`."""

    search_type = "knowledge"


@_typed("search_conceptual", "Search by concept; the body's search_type is ignored.")
class ConceptualSearch(Search):
    """`POST /search/conceptual`."""

    search_type = "conceptual"


class Store(CompatView):
    """`POST /store`."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}
    screened = frozenset()  # the operation screens memories
    failure = "Enhanced memory storage failed"

    def prepare(self) -> Prepared:
        """Read and embed the memory, and prepare the default space."""
        spaces().expect(self.organisation)
        return operations.prepare(self.organisation, [self.body(StoreIn).draft()], trust_of(self.principal))

    @described("store", request=StoreIn, responses={200: Envelope})
    @once(prepare=prepare)
    def post(self, request: Request, prepared: Prepared) -> Response:
        """Store a memory."""
        started, asked, principal = perf_counter_ns(), self.body(StoreIn), self.principal
        stored = operations.commit_one(**self.caller, prepared=prepared)
        totals = get_observability().totals("memory.", str(principal.organisation))
        embedded = stored.embedding is EmbeddingState.READY
        data = {
            "memory_id": str(stored.id),
            "memory_type": asked.memory_type,
            "content_length": len(asked.content),
            "enhanced_features": {
                "embedding_generated": embedded,
                "conceptual_mapping": spaces().has_placed(principal.organisation, stored.id),
                "cache_optimization": embedded,
            },
            "performance_metrics": {
                "storage_time_ms": (perf_counter_ns() - started + prepared.took_ns) / 1e6,
                "success_rate": totals.success_rate,
            },
        }
        metadata = {"correlation_id": self.correlation_id, "org_id": principal.slug, "enhanced_storage": True}
        return self.envelope("Enhanced memory storage completed", data | stored.mark, metadata)
