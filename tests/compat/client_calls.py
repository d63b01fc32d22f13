"""The calls of the original's other programs to its memory service, and what each reads from the answers.

Some name no organisation at all: they act for LIFTOS_TRUSTED_DEFAULT_ORG. The last function holds what is not served yet.
"""

import json
from typing import Any

from tests.compat.session import Session, dig
from tests.compat.shapes import NUMBER, RESULT, search_answer, store_answer

STORED = frozenset({200, 201})


def cross_service_script(session: Session) -> None:
    """Store for one module, search from another, read the analytics."""
    session.ask(
        "POST",
        "/store",
        {
            "content": "Attribution of January by channel",
            "memory_type": "analysis",
            "metadata": {"campaign": "january"},
            "context": {"source": "causal", "user_id": "u1"},
            "tags": ["attribution"],
            "key": "january",
        },
        shape=store_answer(session.org, "analysis", len("Attribution of January by channel")),
    )
    session.ask(
        "POST",
        "/search",
        {"query": "attribution january", "context": {"user_id": "u2"}, "limit": 5},
        shape=search_answer(session.org, "hybrid"),
        check=lambda answer: (
            ""
            if [dig(hit, "context", "source") for hit in answer["data"]["results"]] == ["causal"]
            else "results[0].context.source is not what was stored"
        ),
    )
    session.ask(
        "GET",
        "/analytics",
        shape={"data": {"total_memories": 1, "memory_types": {"analysis": 1}, "recent_activity": list}},
        check=lambda answer: "" if answer["data"]["recent_activity"] else "recent_activity is empty",
    )


def streamlit_client(session: Session) -> None:
    """Store, search in the page's three ways, list recent activity."""
    stored = session.ask(
        "POST",
        "/api/v1/store",
        {
            "user_id": "demo_user",
            "data": {"model_type": "time_decay", "spend": 15_000},
            "tags": ["attribution"],
        },
        shape={"memory_id": str},
        status=STORED,
    )
    memory = dig(stored, "memory_id")

    def finds(answer: Any) -> str:
        return "" if [hit["id"] for hit in answer["results"]] == [memory] else "what was stored is not found"

    shown = {
        "id": str,
        "title": str,
        "score": NUMBER,
        "type": str,
        "date": str,
        "content": object,
        "tags": [str],
    }
    for search_type in ("semantic", "keyword", "hybrid"):
        session.ask(
            "GET",
            f"/api/v1/search?query=spend&user_id=demo_user&search_type={search_type}&limit=20&tags=attribution",
            shape={"results": [shown], "summary": str},
            check=finds,
        )
    session.ask(
        "GET",
        "/api/v1/search?query=spend&user_id=demo_user&search_type=hybrid&limit=20"
        "&start_date=2020-01-01&end_date=2099-12-31",
        shape={"results": [shown], "summary": str},
        check=finds,
    )
    session.ask(
        "GET",
        "/api/v1/recent?limit=10&user_id=demo_user",
        shape={"activities": [{"type": str, "timestamp": str, "details": object}]},
        check=lambda answer: "" if len(answer["activities"]) == 1 else "not the one activity",
    )


def ui_shell(session: Session) -> None:
    """The TypeScript client's calls."""
    content = "Of the shell"
    session.ask(
        "POST",
        "/api/v1/memory/store",
        {"content": content, "metadata": {}, "memory_type": "general"},
        shape=store_answer(session.org, "general", len(content)),
    )
    session.ask(
        "POST",
        "/api/v1/memory/search",
        {"query": "shell", "search_type": "hybrid", "limit": 10},
        shape=search_answer(session.org, "hybrid"),
        check=lambda answer: "" if answer["data"]["count"] == 1 else "what was stored is not found",
    )
    session.ask("GET", "/api/v1/memory/insights", shape={"success": True, "data": {"total_memories": 1}})


def feedback_and_intelligence(session: Session) -> None:
    """The feedback service stores what the intelligence service then looks for."""
    sent = {
        "content": "Outcome of the budget test: it helped",
        "metadata": {"kpi": 3, "outcome": "positive"},
        "user_id": "u1",
        "organization_id": session.org,
    }
    session.ask("POST", "/api/v1/store", sent, status=STORED)
    session.ask(
        "GET",
        "/api/v1/search?query=outcome+budget+test&limit=5",
        shape={"data": {"results": [{"metadata": {"kpi": 3, "outcome": "positive"}}]}},
        check=lambda answer: "" if len(answer["data"]["results"]) == 1 else "not the one result",
    )


def modules_with_memories(session: Session) -> None:
    """The causal and the evaluation module: make a memory, read it again."""
    made = session.ask(
        "POST",
        "/api/v1/memories",
        {"content": "A model of lift", "metadata": {"model": "did"}, "tags": ["model"]},
        shape={"memory_id": str},
        status=201,
    )
    session.ask(
        "GET",
        f"/api/v1/memories/{dig(made, 'memory_id')}",
        shape={
            "id": dig(made, "memory_id"),
            "content": "A model of lift",
            "metadata": {"model": "did"},
            "tags": ["model"],
            "created_at": str,
        },
    )


def load_test(session: Session) -> None:
    """The load test's two calls; it names its organisation only in the body."""
    stored = session.ask(
        "POST",
        "/memory/store",
        {
            "key": "load_test_memory_7",
            "value": {
                "content": "Load test memory content 7",
                "metadata": {"test_id": 7, "type": "load_test"},
            },
            "context": {"user_id": "user_7", "org_id": "load_test_org"},
        },
        status=STORED,
    )
    session.ask(
        "POST",
        "/memory/search",
        {
            "query": "memory content 7",
            "context": {"user_id": "user_2", "org_id": "load_test_org"},
            "filters": {"type": "load_test"},
            "limit": 10,
        },
        shape={"results": [RESULT | {"content": object}]},
        check=lambda answer: (
            ""
            if dig(stored, "memory_id") in {hit["id"] for hit in answer["results"]}
            else "the filter on the value's metadata does not find what was stored"
        ),
    )


MARKETING = {
    "data_source": "google_ads",
    "data_entries": [
        {
            "id": "google_campaign_001",
            "campaign_id": "camp_google_001",
            "campaign_name": "Search",
            "cost_micros": 2_500_000_000,
            "impressions": 78_000,
            "clicks": 1_560,
            "conversions": 45,
            "conversion_value": 4_500.0,
            "date": "2024-01-01",
        }
    ],
    "date_range_start": "2024-01-01",
    "date_range_end": "2024-01-07",
}


def marketing(session: Session) -> None:
    """Ingest a week of ads, search and add it up, and the rest of the marketing routes at the root."""
    days = {"date_range_start": "2024-01-01", "date_range_end": "2024-01-07"}
    asked = days | {"data_sources": ["google_ads"], "group_by": ["data_source"], "metrics": ["spend"]}
    metrics = dict.fromkeys(
        ("spend", "impressions", "clicks", "conversions", "revenue", "cpm", "cpc", "ctr", "roas"), NUMBER
    )
    stored = {"entry_id": str, "memory_id": str, "data_source": "google_ads", "metrics": metrics}
    session.ask(
        "POST", "/marketing/ingest", MARKETING,
        shape={"message": "Successfully ingested 1 marketing data entries", "data": {"stored_entries": [stored], "duration": NUMBER}},
    )  # fmt: skip
    session.ask(
        "POST", "/marketing/search", days | {"query": "search", "data_sources": ["google_ads"]},
        shape={"data": {"results": [RESULT], "count": 1, "filters_applied": dict, "duration": NUMBER}},
    )  # fmt: skip
    session.ask(
        "POST", "/marketing/insights", asked,
        shape={"data": {"total_spend": 2_500, "roas": NUMBER, "top_campaigns": list, "performance_trends": {"spend": list}}},
    )  # fmt: skip
    session.ask(
        "GET", "/marketing/calendar/2024", shape={"data": {"total_days": 366, "calendar_dimensions": list}}
    )
    session.ask(
        "POST", "/marketing/export/causal?target_metric=conversions", asked,
        shape={"data": {"causal_data": dict, "records_count": 1, "target_metric": "conversions"}},
    )  # fmt: skip
    session.ask(
        "POST",
        "/marketing/transform",
        MARKETING,
        shape={"data": {"transformed_data": list, "sample_record": dict}},
    )


def not_served_yet(session: Session) -> None:
    """Calls of the original's programs that are not served yet: stores by collection and by key."""
    agent = {"agent_id": "agent_1", "name": "Planner", "is_active": True}
    kind = {"type": "marketing_agent"}
    session.not_yet(
        "POST", "/store", {"collection": "agentic_agents", "key": "agent_1", "data": agent, "metadata": kind}
    )
    session.not_yet("POST", "/store", {"type": "llm_response", "data": {"model": "m"}, "metadata": {}})
    session.not_yet("GET", "/retrieve/agentic_agents/agent_1")
    session.not_yet(
        "GET", f"/list?collection=agentic_agents&filters={json.dumps({'is_active': True}).replace(' ', '')}"
    )
    session.not_yet("DELETE", "/delete/agentic_agents/agent_1")
    session.not_yet("GET", "/search?collection=agentic_agents&filters={}&limit=100")
    session.not_yet("GET", "/stats/agentic_agents")
    session.not_yet("GET", "/api/v1/memory/contexts")
    session.not_yet("POST", "/api/v1/memory/contexts", {"domain": "marketing"})
    session.not_yet("GET", "/memory/get/channel_1")
    session.not_yet("POST", "/memory/set", {"key": "channel_1", "value": {}})
    session.not_yet("DELETE", "/memory/delete/channel_1")
    session.not_yet("GET", f"/memory/channel/{session.org}/meta")
    session.not_yet("POST", "/memory/optimization", {"org_id": session.org, "data": {}})
