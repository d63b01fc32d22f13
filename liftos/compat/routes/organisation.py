"""The old routes about an organisation's memories as a whole, exactly as in the contract."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.compat.contexts import BACKEND, close_context, get_context_stats, initialise_context
from liftos.compat.shapes.memory import naive, title_of
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import NotFound
from liftos.kernel.http.envelope import Envelope
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.views import CompatView
from liftos.kernel.ports import orchestration_figures
from liftos.kernel.telemetry.manager import get_observability
from liftos.kernel.tenancy.types import Principal, Scope
from memory.index.embeddings import cache_stats
from memory.insights.queries import get_counts, get_insights
from memory.ports import spaces
from memory.queries import list_memories
from memory.search.types import SearchRequest

RECENT = 10


class Insights(CompatView):
    """`GET /insights`."""

    scopes = {"GET": Scope.MEMORY_READ}
    costly = True
    failure = "Memory insights failed"

    @described("insights", responses={200: Envelope})
    def get(self, request: Request) -> Response:
        """Return the organisation's dominant concepts, clusters and temporal patterns (docs/insights.md)."""
        principal = self.principal
        found = get_insights(organisation=principal.organisation)
        counts = found.counts
        span = (counts.last - counts.first).days if counts.first and counts.last else 0
        peak = min(counts.hours, key=lambda hour: (-counts.hours[hour], hour)) if counts.hours else None
        data = {
            "total_memories": counts.total,
            "dominant_concepts": found.concepts,
            "knowledge_density": found.density,
            "temporal_patterns": {
                "peak_hour": peak,
                "hourly_distribution": {str(hour): count for hour, count in counts.hours.items()},
                "total_timespan_days": span,
            },
            "semantic_clusters": found.clusters,
            "memory_types": counts.types,
        }
        metadata = {"correlation_id": self.correlation_id, "org_id": principal.slug}
        return self.envelope("Memory insights generated", data, metadata)


class Analytics(CompatView):
    """`GET /analytics`, which one of the old service's scripts calls although the service never had it."""

    scopes = {"GET": Scope.MEMORY_READ}
    costly = True
    failure = "Memory analytics failed"

    @described("analytics", responses={200: Envelope})
    def get(self, request: Request) -> Response:
        """Return the number of memories, and the newest ones."""
        principal = self.principal
        with tenant_transaction(principal.organisation):
            counts = get_counts(organisation=principal.organisation)
            newest = list_memories(
                organisation=principal.organisation, limit=RECENT, narrowed=SearchRequest("")
            )
        data = {
            "total_memories": counts.total,
            "memory_types": counts.types,
            "recent_activity": [
                {
                    "memory_id": str(memory.id),
                    "memory_type": memory.memory_type,
                    "title": title_of(memory.content),
                    "timestamp": naive(memory.recorded_at),
                }
                for memory in newest
            ],
        }
        metadata = {"correlation_id": self.correlation_id, "org_id": principal.slug}
        return self.envelope("Memory analytics generated", data, metadata)


class ContextDomain(BaseModel):
    """The domain of a context."""

    domain: QueryText = Field(default="", max_length=100)


class ContextInitialise(CompatView):
    """`POST /context/initialize`."""

    scopes = {"POST": Scope.MEMORY_WRITE}
    failure = "Memory context initialization failed"

    def requested_domain(self) -> ContextDomain:
        """Return the domain in the body or the query string."""
        wrapped = isinstance(self.json, dict) and "domain" in self.json
        return self.body(ContextDomain) if wrapped else self.query(ContextDomain)

    def answer_anew(self, kept: dict[str, Any]) -> Response:
        """Render the response, also on a replay: everything in it is in the request."""
        data = {
            "context_id": f"org_{self.principal.slug}",
            "org_id": self.principal.slug,
            "domain": self.requested_domain().domain or "general",
        }
        return self.envelope("Memory context initialized", data, {"correlation_id": self.correlation_id})

    @described("context_initialize", request=None, query=ContextDomain, responses={200: Envelope})
    @once(anew=answer_anew)
    def post(self, request: Request) -> Response:
        """Open the organisation's context; `domain` is in the query string or the body."""
        initialise_context(**self.caller, domain=self.requested_domain().domain)
        return self.answer_anew({})


class ContextStatistics(CompatView):
    """`GET /context/stats`."""

    scopes = {"GET": Scope.MEMORY_READ}
    failure = "Context stats failed"

    @described("context_stats", responses={200: Envelope})
    def get(self, request: Request) -> Response:
        """Return the number of the caller's contexts."""
        with tenant_transaction(self.organisation):
            stats = get_context_stats(organisation=self.organisation)
        data = {"total_contexts": stats.total, "active_contexts": stats.active, "backend": BACKEND}
        return self.envelope("Context statistics retrieved", data)


class ContextCleanup(CompatView):
    """`DELETE /context/{org_id}`."""

    scopes = {"DELETE": Scope.MEMORY_WRITE}
    failure = "Memory context cleanup failed"

    @described("context_cleanup", responses={200: Envelope})
    def delete(self, request: Request, org_id: str) -> Response:
        """Close the organisation's context and record that; its memories are kept (docs/memory-life.md)."""
        principal = self.principal
        if org_id != principal.slug and org_id.lower() != str(principal.organisation):
            raise NotFound
        close_context(**self.caller)
        return self.envelope("Memory context cleaned up", {"org_id": org_id})


class PerformanceMetrics(CompatView):
    """`GET /performance/metrics`."""

    scopes = {"GET": Scope.MEMORY_READ}
    failure = "Failed to retrieve performance metrics"

    @described("performance_metrics", responses={200: Envelope})
    def get(self, request: Request) -> Response:
        """Return the figures of the caller's operations; those of the cache and the tracer are for the whole process."""
        return self.envelope("Performance metrics retrieved", performance(self.principal))


def performance(principal: Principal) -> dict[str, Any]:
    """Return the contract's metrics of one organisation."""
    organisation, count = str(principal.organisation), spaces().count(principal.organisation)
    observability = get_observability()
    totals = observability.totals("memory.", organisation)
    cache = cache_stats(principal.organisation)
    memory = {
        "total_operations": totals.count,
        "successful_operations": totals.successes,
        "success_rate": totals.success_rate,
        "average_operation_time_ms": totals.average_ms,
        "recent_average_time_ms": observability.recent_average_ms("memory", organisation),
        "conceptual_spaces_count": count,
        "embedding_cache_stats": cache,
    }
    orchestration = orchestration_figures()(principal.organisation)
    statistics = observability.statistics(organisation)
    return {
        "memory_performance": memory,
        "embedding_cache": cache,
        "orchestration": orchestration,
        "observability": _named(statistics, principal.slug),
        "summary": {
            "total_operations": totals.count,
            "success_rate": totals.success_rate,
            "cache_hit_rate": cache["hit_rate"],
            "average_response_time_ms": totals.average_ms,
            "conceptual_spaces_count": count,
            "active_workflows": orchestration["active_workflows"],
        },
    }


def _named(statistics: Mapping[str, Any], slug: str) -> dict[str, Any]:
    accountability = dict(statistics["accountability"]) | {"org_id": slug}
    return dict(statistics) | {"org_id": slug, "accountability": accountability}
