"""The 18 routes of the original memory service, each with a payload of its own clients, field by field."""

from typing import Any

from tests.compat.session import Session, dig
from tests.compat.shapes import CACHE, NUMBER, RESULT, Envelope, search_answer, store_answer

TEXT = "Holiday campaign raised conversions"
STATUSES = frozenset({"pending", "running", "completed", "failed", "cancelled", "paused"})


def call_every_route(session: Session) -> None:
    """Send one call to each route, stores before searches, the clean-up last."""
    _service(session)
    memory = _stores(session)
    _searches(session, memory)
    _spaces_and_workflows(session)
    _figures(session)
    session.ask(
        "DELETE",
        f"/context/{session.org}",
        shape=Envelope("Memory context cleaned up", {"org_id": session.org}),
    )


def _service(session: Session) -> None:
    about = {"version": str, "kse_integration": object, "docs": str}
    session.ask("GET", "/", shape=Envelope("Lift OS Core Memory Service", about))
    session.ask(
        "GET",
        "/health",
        shape={
            "status": frozenset({"healthy", "degraded"}),
            "timestamp": str,
            "version": str,
            "dependencies": dict.fromkeys(
                (
                    "kse_sdk", "active_contexts", "embedding_cache_hit_rate", "embedding_cache_size", "memory_operations",
                    "memory_success_rate", "orchestration_cache_hit_rate", "total_workflows", "observability_traces",
                ),
                str,
            ),
            "uptime": NUMBER,
        },
    )  # fmt: skip
    session.ask(
        "GET", "/ready", shape={"status": "ready", "service": "memory", "timestamp": str, "checks": dict}
    )


def _stores(session: Session) -> str:
    session.ask(
        "POST",
        "/context/initialize?domain=marketing",
        shape=Envelope(
            "Memory context initialized",
            {"context_id": str, "org_id": session.org, "domain": "marketing"},
            {"correlation_id": str},
        ),
    )
    stored = session.ask(
        "POST",
        "/store",
        {"content": TEXT, "metadata": {"campaign": "holiday"}, "memory_type": "note"},
        shape=store_answer(session.org, "note", len(TEXT)),
    )
    return str(dig(stored, "data", "memory_id"))


def _searches(session: Session, memory: str) -> None:
    def finds(answer: Any) -> str:
        hits = {hit["id"]: hit for hit in answer["data"]["results"]}
        if answer["data"]["count"] != len(answer["data"]["results"]):
            return "count is not the number of results"
        if memory not in hits:
            return "what was stored is not found"
        return (
            "" if hits[memory]["metadata"] == {"campaign": "holiday"} else "metadata are not what was stored"
        )

    request = {"query": "holiday conversions", "search_type": "hybrid", "limit": 10, "filters": None}
    session.ask("POST", "/search", request, shape=search_answer(session.org, "hybrid"), check=finds)
    for search_type in ("neural", "knowledge"):
        shape = search_answer(session.org, search_type)
        session.ask("POST", f"/search/{search_type}", request, shape=shape, check=finds)
    session.ask("POST", "/search/conceptual", request, shape=search_answer(session.org, "conceptual"))
    session.ask(
        "POST",
        "/search/batch?search_type=hybrid&limit=5",
        ["holiday", "conversions"],
        shape=Envelope(
            "Batch search completed",
            {
                "workflow_id": str,
                "results": dict,
                "queries_processed": 2,
                "execution_time_ms": NUMBER,
                "duration": float,
            },
            {"correlation_id": str, "enhanced_feature": "batch_processing"},
        ),
        check=lambda answer: (
            ""
            if [[hit["id"] for hit in hits] for hits in answer["data"]["results"].values()] == [[memory]] * 2
            and set(RESULT) <= set(next(iter(answer["data"]["results"].values()))[0])
            else "the two queries do not each find what was stored"
        ),
    )


def _spaces_and_workflows(session: Session) -> None:
    feature = {"correlation_id": str}
    made = session.ask(
        "POST",
        "/conceptual-spaces/create?name=brand",
        ["price", "quality"],
        shape=Envelope(
            "Conceptual space created successfully",
            {"space_id": str, "name": "brand", "dimensions": [str], "org_id": session.org},
            feature | {"enhanced_feature": "conceptual_spaces"},
        ),
        check=lambda answer: (
            "" if answer["data"]["dimensions"] == ["price", "quality"] else "other dimensions"
        ),
    )
    space = dig(made, "data", "space_id")
    described = {
        "name": "brand",
        "dimensions": [str],
        "concepts_count": int,
        "relationships_count": int,
        "created_at": float,
        "updated_at": float,
    }
    session.ask(
        "GET",
        "/conceptual-spaces",
        shape=Envelope(
            "Conceptual spaces retrieved", {"conceptual_spaces": {space: described}, "count": int}
        ),
    )
    owner = {"owner": "ops"}
    begun = session.ask(
        "POST",
        "/workflows/create?name=weekly",
        owner,
        shape=Envelope(
            "Workflow created successfully",
            {"workflow_id": str, "name": "weekly", "org_id": session.org, "metadata": owner},
            feature | {"enhanced_feature": "orchestration"},
        ),
    )
    session.ask(
        "GET",
        f"/workflows/{dig(begun, 'data', 'workflow_id')}/status",
        shape=Envelope(
            "Workflow status retrieved",
            {
                "workflow_id": dig(begun, "data", "workflow_id"),
                "name": "weekly",
                "status": STATUSES,
                "total_execution_time_ms": (int, float, type(None)),
                "tasks": dict,
                "metadata": owner,
            },
        ),
    )


def _figures(session: Session) -> None:
    session.ask(
        "GET",
        "/insights",
        shape=Envelope(
            "Memory insights generated",
            {
                "total_memories": int,
                "dominant_concepts": [str],
                "knowledge_density": NUMBER,
                "temporal_patterns": dict,
                "semantic_clusters": list,
                "memory_types": {"note": 1},
            },
            {"correlation_id": str, "org_id": session.org},
        ),
    )
    session.ask(
        "GET",
        "/context/stats",
        shape=Envelope(
            "Context statistics retrieved", {"total_contexts": int, "active_contexts": int, "backend": str}
        ),
    )
    session.ask(
        "GET",
        "/performance/metrics",
        shape=Envelope(
            "Performance metrics retrieved",
            {
                "memory_performance": {
                    "total_operations": int,
                    "successful_operations": int,
                    "success_rate": NUMBER,
                    "average_operation_time_ms": NUMBER,
                    "recent_average_time_ms": NUMBER,
                    "conceptual_spaces_count": int,
                    "embedding_cache_stats": CACHE,
                },
                "embedding_cache": CACHE,
                "orchestration": {"total_executions": int, "cache_hit_rate": NUMBER, "total_workflows": int},
                "observability": {
                    "service_name": str,
                    "org_id": session.org,
                    "tracing": dict,
                    "metrics": dict,
                },
                "summary": {"total_operations": int, "success_rate": NUMBER, "cache_hit_rate": NUMBER},
            },
        ),
    )
