"""Costly requests pass checkpoints at which small ones go first (liftos.kernel.precedence): all of them, and between small pieces of work."""

import json

import pytest
from django.urls import URLPattern, get_resolver

from liftos.kernel import precedence

MEMORIES = 60
QUERIES = [f"what is said of topic {number} in week {number}" for number in range(30)]


class Checkpoints:
    """Stands for a costly piece of work; counts where it could have paused."""

    passed = 0

    def give_way(self):
        self.passed += 1


@pytest.fixture
def checkpoints():
    counted = Checkpoints()
    token = precedence._current.set(counted)
    yield counted
    precedence._current.reset(token)


def lines(word):
    contents = (f"{word} {number}: topic {number} in week {number}" for number in range(MEMORIES))
    return "\n".join(json.dumps({"content": content}) for content in contents).encode()


@pytest.fixture
def known(acme):
    """An organisation with memories, and the space that they are in."""
    made = acme.post("/api/v1/spaces", {"name": "all of them", "template": "marketing", "holds_all": True})
    assert made.status_code == 201, made.content
    assert acme.send("/api/v1/memories/bulk", lines("note"), "application/x-ndjson").status_code == 200
    acme.store("ann's note", user_id="ann")
    memories = [each["id"] for each in acme.get("/api/v1/memories?limit=2").json()["results"]]
    space = made.json()["id"]
    return acme, space, memories


def entries(word):
    some = [{"id": f"{word} {number}", "spend": number} for number in range(MEMORIES)]
    return {
        "data_source": "manual",
        "date_range_start": "2024-01-01",
        "date_range_end": "2024-01-31",
        "data_entries": some,
    }


def native():
    body = entries("native")
    return {
        "data_source": "manual",
        "entries": body["data_entries"],
        "date_from": "2024-01-01",
        "date_to": "2024-01-31",
    }


def synced(acme):
    return acme.post("/api/v1/data/ingest", {"data": entries("sync")["data_entries"], "source": "manual"})


def exported(acme):
    days = {"date_range_start": "2024-01-01", "date_range_end": "2024-01-31"}
    return acme.post("/marketing/export/causal", {"data_sources": ["manual"]} | days)


# route, the request, and the least checkpoints: one for each piece, or for each statement where Postgres does the work
ROUTES = {
    "search/batch": (lambda acme, *_: acme.post("/search/batch", QUERIES), 10 * len(QUERIES)),
    "api/v1/search/batch": (
        lambda acme, *_: acme.post("/api/v1/search/batch", {"queries": QUERIES}),
        10 * len(QUERIES),
    ),
    "api/v1/memories/bulk": (
        lambda acme, *_: acme.send("/api/v1/memories/bulk", lines("more"), "application/x-ndjson"),
        5 * MEMORIES,
    ),
    "marketing/ingest": (lambda acme, *_: acme.post("/marketing/ingest", entries("more")), 5 * MEMORIES),
    "api/v1/marketing/entries": (
        lambda acme, *_: acme.post("/api/v1/marketing/entries", native()),
        5 * MEMORIES,
    ),
    "api/v1/data/ingest": (lambda acme, *_: synced(acme), 5 * MEMORIES),
    "api/v1/marketing/table": (lambda acme, *_: acme.get("/api/v1/marketing/table"), 5),
    "marketing/transform": (lambda acme, *_: acme.post("/marketing/transform", entries("more")), MEMORIES),
    "marketing/export/causal": (lambda acme, *_: exported(acme), 3),
    "api/v1/documents": (
        lambda acme, *_: acme.send("/api/v1/documents", b"# note\n\n" + lines("more"), "text/markdown"),
        20,
    ),
    "insights": (lambda acme, *_: acme.get("/insights"), 2 * MEMORIES),
    "api/v1/memory/insights": (lambda acme, *_: acme.get("/api/v1/memory/insights"), 2 * MEMORIES),
    "analytics": (lambda acme, *_: acme.get("/analytics"), 5),
    "api/v1/spaces/<id:space>/clusters": (
        lambda acme, space, _: acme.get(f"/api/v1/spaces/{space}/clusters"),
        MEMORIES,
    ),
    "api/v1/spaces/<id:space>/report": (
        lambda acme, space, _: acme.get(f"/api/v1/spaces/{space}/report"),
        MEMORIES,
    ),
    "api/v1/spaces/<id:space>/compare": (
        lambda acme, space, two: acme.get(f"/api/v1/spaces/{space}/compare?first={two[0]}&second={two[1]}"),
        5,
    ),
    "api/v1/decisions/export": (lambda acme, *_: acme.get("/api/v1/decisions/export"), 3),
    "api/v1/ledger/verification": (lambda acme, *_: acme.get("/api/v1/ledger/verification"), 5),
    "api/v1/memories/<id:memory>/graph": (
        lambda acme, _, two: acme.get(f"/api/v1/memories/{two[0]}/graph"),
        3,
    ),
    "api/v1/values": (lambda acme, *_: acme.get("/api/v1/values?field=memory_type"), 2),
    "api/v1/subjects/<str:kind>/<path:subject>/export": (
        lambda acme, *_: acme.get("/api/v1/subjects/user/ann/export"),
        3,
    ),
    "api/v1/subjects/<str:kind>/<path:subject>/erase": (
        lambda acme, *_: acme.post("/api/v1/subjects/user/ann/erase", {"reason": "asked"}),
        3,
    ),
    "api/v1/calibration": (lambda acme, *_: acme.get("/api/v1/calibration"), 2),
}


def costly_routes(patterns=None, prefix=""):
    """Yield each route whose view is costly."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(each.pattern)
        view = getattr(each.callback, "view_class", None) if isinstance(each, URLPattern) else None
        if view is None:
            yield from costly_routes(getattr(each, "url_patterns", ()), path)
        elif getattr(view, "costly", False):
            yield path


def test_every_costly_route_is_tested():
    assert set(costly_routes()) == set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
def test_a_costly_request_passes_checkpoints_between_small_pieces(known, checkpoints, route):
    ask, least = ROUTES[route]
    checkpoints.passed = 0
    answer = ask(*known)
    if answer.streaming:
        assert b"".join(answer.streaming_content)
    assert answer.status_code in {200, 201}, answer.content
    assert checkpoints.passed >= least
