"""Every route that is built, as the tests of what holds for all of them need it."""

from liftos.kernel.tenancy.types import Scope

NOBODYS_ID = "019a0000-0000-7000-8000-000000000000"
NOBODYS_TRACE = "019a0000000070008000000000000000"

# path, and the body's one required field
COMPAT_POSTS = [
    ("/search", "query"),
    ("/search/neural", "query"),
    ("/search/knowledge", "query"),
    ("/search/conceptual", "query"),
    ("/store", "content"),
]
NATIVE_POSTS = [
    ("/api/v1/search", "query"),
    ("/api/v1/memories", "content"),
]
POSTS = COMPAT_POSTS + NATIVE_POSTS

# method, path, the scope it needs
GUARDED = [
    ("POST", "/search", Scope.MEMORY_READ),
    ("POST", "/search/neural", Scope.MEMORY_READ),
    ("POST", "/search/knowledge", Scope.MEMORY_READ),
    ("POST", "/search/conceptual", Scope.MEMORY_READ),
    ("POST", "/search/batch", Scope.MEMORY_READ),
    ("POST", "/api/v1/search/batch", Scope.MEMORY_READ),
    ("POST", "/store", Scope.MEMORY_PROPOSE),
    ("POST", "/api/v1/search", Scope.MEMORY_READ),
    ("POST", "/api/v1/memories", Scope.MEMORY_PROPOSE),
    ("POST", "/api/v1/memories/bulk", Scope.MEMORY_PROPOSE),
    ("POST", "/api/v1/conversations/call/turns", Scope.MEMORY_PROPOSE),
    ("GET", "/api/v1/conversations/call/turns", Scope.MEMORY_READ),
    ("POST", "/api/v1/documents", Scope.MEMORY_PROPOSE),
    ("GET", f"/api/v1/documents/{NOBODYS_ID}", Scope.MEMORY_READ),
    ("GET", f"/api/v1/documents/{NOBODYS_ID}/original", Scope.MEMORY_READ),
    ("GET", f"/api/v1/documents/{NOBODYS_ID}/passages", Scope.MEMORY_READ),
    ("GET", f"/api/v1/documents/jobs/{NOBODYS_ID}", Scope.MEMORY_READ),
    ("GET", "/api/v1/memories", Scope.MEMORY_READ),
    ("GET", "/api/v1/values?field=tags", Scope.MEMORY_READ),
    ("POST", "/api/v1/subjects/user/nobody/erase", Scope.ADMIN),
    ("GET", "/api/v1/retention", Scope.MEMORY_READ),
    ("POST", "/api/v1/retention", Scope.ADMIN),
    ("PUT", f"/api/v1/retention/{NOBODYS_ID}", Scope.ADMIN),
    ("DELETE", f"/api/v1/retention/{NOBODYS_ID}", Scope.ADMIN),
    ("GET", "/api/v1/retention/holds", Scope.MEMORY_READ),
    ("POST", "/api/v1/retention/holds", Scope.ADMIN),
    ("DELETE", f"/api/v1/retention/holds/{NOBODYS_ID}", Scope.ADMIN),
    ("GET", f"/api/v1/memories/{NOBODYS_ID}", Scope.MEMORY_READ),
    ("DELETE", f"/api/v1/memories/{NOBODYS_ID}", Scope.MEMORY_WRITE),
    ("PATCH", f"/api/v1/memories/{NOBODYS_ID}", Scope.MEMORY_WRITE),
    ("GET", f"/api/v1/memories/{NOBODYS_ID}/history", Scope.MEMORY_READ),
    ("GET", f"/api/v1/memories/{NOBODYS_ID}/links", Scope.MEMORY_READ),
    ("POST", f"/api/v1/memories/{NOBODYS_ID}/links", Scope.MEMORY_WRITE),
    ("DELETE", f"/api/v1/memories/{NOBODYS_ID}/links", Scope.MEMORY_WRITE),
    ("GET", f"/api/v1/memories/{NOBODYS_ID}/graph", Scope.MEMORY_READ),
    ("POST", f"/api/v1/memories/{NOBODYS_ID}/confirm", Scope.MEMORY_WRITE),
    ("POST", f"/api/v1/memories/{NOBODYS_ID}/contest", Scope.MEMORY_WRITE),
    ("POST", f"/api/v1/memories/{NOBODYS_ID}/reject", Scope.MEMORY_WRITE),
    ("POST", f"/api/v1/memories/{NOBODYS_ID}/supersede", Scope.MEMORY_WRITE),
    ("GET", f"/api/v1/memories/bulk/{NOBODYS_ID}", Scope.MEMORY_READ),
    ("GET", "/api/v1/memories/bulk", Scope.MEMORY_READ),
    ("DELETE", f"/api/v1/memories/bulk/{NOBODYS_ID}", Scope.MEMORY_PROPOSE),
    ("POST", f"/api/v1/memories/bulk/{NOBODYS_ID}/cancel", Scope.MEMORY_PROPOSE),
    ("GET", "/api/v1/documents/jobs", Scope.MEMORY_READ),
    ("DELETE", f"/api/v1/documents/jobs/{NOBODYS_ID}", Scope.MEMORY_PROPOSE),
    ("POST", f"/api/v1/documents/jobs/{NOBODYS_ID}/cancel", Scope.MEMORY_PROPOSE),
    ("GET", f"/api/v1/erasures/{NOBODYS_ID}", Scope.MEMORY_READ),
    ("POST", "/workflows/create?name=x", Scope.WORKFLOWS_RUN),
    ("GET", "/workflows/wf_acme_0/status", Scope.WORKFLOWS_RUN),
    ("GET", "/api/v1/workflows/functions", Scope.WORKFLOWS_RUN),
    ("GET", "/api/v1/workflows/templates", Scope.WORKFLOWS_RUN),
    ("POST", "/api/v1/workflows/templates", Scope.WORKFLOWS_WRITE),
    ("GET", f"/api/v1/workflows/templates/{NOBODYS_ID}", Scope.WORKFLOWS_RUN),
    ("PUT", f"/api/v1/workflows/templates/{NOBODYS_ID}", Scope.WORKFLOWS_WRITE),
    ("POST", f"/api/v1/workflows/templates/{NOBODYS_ID}/publish", Scope.WORKFLOWS_WRITE),
    ("POST", f"/api/v1/workflows/templates/{NOBODYS_ID}/retire", Scope.WORKFLOWS_WRITE),
    ("GET", "/api/v1/workflows/runs", Scope.WORKFLOWS_RUN),
    ("POST", "/api/v1/workflows/runs", Scope.WORKFLOWS_RUN),
    ("GET", f"/api/v1/workflows/runs/{NOBODYS_ID}", Scope.WORKFLOWS_RUN),
    ("POST", f"/api/v1/workflows/runs/{NOBODYS_ID}/cancel", Scope.WORKFLOWS_RUN),
    ("POST", f"/api/v1/workflows/runs/{NOBODYS_ID}/pause", Scope.WORKFLOWS_RUN),
    ("POST", f"/api/v1/workflows/runs/{NOBODYS_ID}/resume", Scope.WORKFLOWS_RUN),
    ("POST", f"/api/v1/workflows/runs/{NOBODYS_ID}/rerun", Scope.WORKFLOWS_RUN),
    ("GET", "/api/v1/memories/derived-policy", Scope.MEMORY_READ),
    ("PUT", "/api/v1/memories/derived-policy", Scope.ADMIN),
    ("GET", "/api/v1/memories/erasure-policy", Scope.MEMORY_READ),
    ("PUT", "/api/v1/memories/erasure-policy", Scope.ADMIN),
    ("GET", "/api/v1/memories/rejection-policy", Scope.MEMORY_READ),
    ("PUT", "/api/v1/memories/rejection-policy", Scope.ADMIN),
    ("GET", "/api/v1/quotas", Scope.MEMORY_READ),
    ("PUT", "/api/v1/quotas", Scope.ADMIN),
    ("GET", "/api/v1/memories/secrets-policy", Scope.MEMORY_READ),
    ("PUT", "/api/v1/memories/secrets-policy", Scope.ADMIN),
    ("GET", "/api/v1/decisions", Scope.DECISIONS_READ),
    ("GET", f"/api/v1/decisions/{NOBODYS_ID}", Scope.DECISIONS_READ),
    ("GET", f"/api/v1/traces/{NOBODYS_TRACE}", Scope.DECISIONS_READ),
    ("GET", "/api/v1/metrics/operations", Scope.MEMORY_READ),
]
SPACE = f"/api/v1/spaces/{NOBODYS_ID}"
GUARDED += [
    ("POST", "/conceptual-spaces/create", Scope.SPACES_WRITE),
    ("GET", "/conceptual-spaces", Scope.SPACES_READ),
    ("GET", "/api/v1/spaces", Scope.SPACES_READ),
    ("POST", "/api/v1/spaces", Scope.SPACES_WRITE),
    ("GET", "/api/v1/spaces/templates", Scope.SPACES_READ),
    ("GET", SPACE, Scope.SPACES_READ),
    ("DELETE", SPACE, Scope.SPACES_WRITE),
    ("PUT", f"{SPACE}/dimensions", Scope.SPACES_WRITE),
    ("POST", f"{SPACE}/members", Scope.SPACES_WRITE),
    ("DELETE", f"{SPACE}/members/{NOBODYS_ID}", Scope.SPACES_WRITE),
    ("POST", f"{SPACE}/concepts", Scope.SPACES_WRITE),
    ("GET", f"{SPACE}/concepts/{NOBODYS_ID}", Scope.SPACES_READ),
    ("DELETE", f"{SPACE}/concepts/{NOBODYS_ID}", Scope.SPACES_WRITE),
    ("POST", f"{SPACE}/relations", Scope.SPACES_WRITE),
    ("DELETE", f"{SPACE}/relations/{NOBODYS_ID}", Scope.SPACES_WRITE),
    *[
        ("GET", f"{SPACE}/{what}", Scope.SPACES_READ)
        for what in (
            "versions", "dimensions", "positions", "neighbours", "explain", "compare", "clusters", "report", "concepts", "relations",
        )
    ],
]  # fmt: skip
PUBLIC = ["/", "/health", "/ready", "/docs", "/redoc", "/openapi.json"]

_BODIES = {
    "/api/v1/workflows/templates": '{"name": "t", "steps": [{"name": "a", "function": "memory.store_many", "arguments": {"memories": []}}]}',
    "/api/v1/workflows/runs": '{"template": "no such"}',
    "/api/v1/memories": '{"content": "x"}',
    "/api/v1/memories/bulk": '{"content": "x"}',
    "/api/v1/conversations/call/turns": '{"role": "user", "content": "x"}',
    "/api/v1/search": '{"query": "x"}',
    "/api/v1/search/batch": '{"queries": ["x"]}',
}


def body_for(path):
    """A body that a route takes: the old ones take the fields of several routes at once."""
    plain = '{"query": "x", "content": "x", "queries": ["x"]}'
    return _BODIES.get(path.removesuffix(f"/{NOBODYS_ID}"), plain)
