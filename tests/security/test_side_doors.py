"""No side door: what is private to bob reaches alice by no route, list, count, statistic, cache, page or export."""

import json
import re

import pytest
from django.db import transaction

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYBODY, seeing_everything, viewing
from liftos.kernel.outbox.models import OutboxEvent
from tests.architecture.routes import routes
from tests.factories.flows import registered_functions
from tests.factories.principals import group_of, key_of, principal_of
from tests.security.private_world import CANARY, ids_of, make_private, make_shared
from tests.security.world import ROUTES, ask, text_of

SEARCHES = [route for route in ROUTES if route.startswith("POST") and "search" in route]
# they count requests or the log's records, whoever made them
BUSY = {
    "GET /", "GET /health", "GET /ready", "GET /performance/metrics", "GET /analytics", "GET /api/v1/metrics/operations",
    "GET /api/v1/ledger/checkpoint", "GET /api/v1/ledger/verification", "GET /api/v1/ledger/verifier.py",
    "GET /api/v1/ledger/{token}/checkpoint", "GET /api/v1/ledger/{token}/tile/{tile}", "GET /api/v1/ledger/consistency",
    # the organisation's use counts everything it keeps (docs/access.md)
    "GET /api/v1/quotas",
    # it tells administrators when a key was last used
    "GET /api/v1/keys", "GET /api/v1/keys/{key}",
    # it ends with hashes of what its reader may not see
    "GET /api/v1/decisions/export",
}  # fmt: skip
CHANGING = re.compile(
    r'"(decision_id|updated_at|took_ms|query_time_ms|execution_time\w*|correlation_id|trace_id|timestamp|processing_time_ms|request_id'
    r"|search_time_ms|duration_ms|generated_at|elapsed_ms|uptime\w*|duration|cache_hit_rate|average_operation_time_ms|exported_at)"
    r'": ?("[^"]*"|[\d.e-]+|null)|wf_acme_\w+'
)


@pytest.fixture(autouse=True)
def calls():
    with registered_functions() as made:
        yield made


@pytest.fixture
def shared(acme):
    return make_shared(acme)


@pytest.fixture
def alice(acme):
    sales = group_of(acme, "sales")
    return key_of(acme, principal_of(acme, "alice", sales))


@pytest.fixture
def bob(acme):
    return key_of(acme, principal_of(acme, "bob", group_of(acme, "legal")))


@pytest.fixture
def world(bob, shared):
    return make_private(bob, shared)


def called(caller, route, path, body):
    """Call a route in a savepoint that is undone; return status and text."""
    block = transaction.atomic()
    block._from_testcase = True
    with block:
        response = ask(caller, route, path, body)
        shown = response.status_code, text_of(response)
        transaction.set_rollback(True)
    return shown


def called_plainly(caller, route, path, body):
    """Return status and body without what differs from call to call."""
    status, text = called(caller, route, path, body)
    text = CHANGING.sub(r'"\1":', text.partition("} ")[2])
    # a sum's last digit goes by the order of its terms
    return status, re.sub(r"\d\.\d{12,}", lambda number: f"{float(number[0]):.11f}", text)


def test_every_route_is_tried():
    assert set(routes()) == set(ROUTES)


def test_no_route_shows_what_is_private(alice, bob, world):
    shown, broken = [], []
    for route, requests in ROUTES.items():
        for path, body in requests(world):
            status, text = called(alice, route, path, body)
            if CANARY in text:
                shown.append((route, status, text[max(0, text.index(CANARY) - 300) :][:600]))
            if status >= 500:
                broken.append((route, status, text[-300:]))
    assert not shown, "\n".join(map(str, shown))
    assert not broken, "\n".join(map(str, broken))
    # the same requests show their owner the canary: the test can fail
    seen = {
        route
        for route, requests in ROUTES.items()
        for path, body in requests(world)
        if CANARY in called(bob, route, path, body)[1]
    }
    wanted = {
        "GET /api/v1/memories", "GET /api/v1/memories/{memory}", "GET /api/v1/memories/{memory}/history", "POST /api/v1/search",
        "POST /api/v1/search/batch", "POST /search/batch", "GET /api/v1/decisions", "GET /api/v1/decisions/{decision}",
        "GET /api/v1/decisions/{decision}/proof", "GET /api/v1/decisions/export", "GET /api/v1/reviews",
        "GET /api/v1/workflows/runs/{run}", "GET /workflows/{workflow}/status", "GET /api/v1/spaces/{space}/positions",
        "GET /api/v1/spaces/{space}/neighbours", "GET /api/v1/conversations/{thread}/turns", "GET /api/v1/documents/{document}",
        "GET /api/v1/documents/{document}/original", "GET /api/v1/recent",
    }  # fmt: skip
    assert not wanted - seen


def test_nothing_private_is_named_by_its_id(alice, world):
    hidden = {str(each) for each in ids_of(world)}
    named = []
    for route, requests in ROUTES.items():
        # facts of the log are for whoever follows it
        if "ledger" in route:
            continue
        for path, body in requests(world):
            if hidden & set(re.findall(r"[0-9a-f-]{36}", path + json.dumps(body))):
                continue
            text = called(alice, route, path, body)[1]
            named += [(route, each) for each in hidden if each in text]
    assert not named, "\n".join(map(str, named))


def test_answers_do_not_change_when_others_store(acme, alice, bob, shared):
    def snapshot():
        found = {}
        for route, requests in ROUTES.items():
            if route in BUSY or not (route.startswith("GET") or route in SEARCHES):
                continue
            try:
                asked = requests(Shared(shared, acme.slug))
            except KeyError:
                # it needs something that only bob has
                continue
            for path, body in asked:
                found[route] = called_plainly(alice, route, path, body)
                if route in SEARCHES:
                    # a search for a word that only bob's memories hold
                    said = json.loads(json.dumps(body).replace("boots rain", f"boots {CANARY}"))
                    found[f"{route} for the canary"] = called_plainly(alice, route, path, said)
        return found

    before = snapshot()
    assert len(before) > 25
    make_private(bob, shared)
    after = snapshot()
    different = [where_they_differ(route, before[route], after[route]) for route in before]
    assert not any(different), "\n".join(filter(None, different))


def where_they_differ(route, before, after):
    """Return the surroundings of the first difference of two answers, "" if they are equal."""
    if before == after:
        return ""
    first, second = (f"{status} {text}" for status, text in (before, after))
    pairs = enumerate(zip(first, second, strict=False))
    at = max(next((place for place, (one, other) in pairs if one != other), len(first)) - 150, 0)
    return f"{route}\n  {first[at : at + 300]}\n  {second[at : at + 300]}"


class Shared:
    """Ids of what everybody sees, for the routes' parameters."""

    def __init__(self, ids, slug):
        vars(self).update(ids | {"slug": slug, "memory": ids["public"]})


def test_kept_answer_is_for_its_principal(acme, alice, bob, shared):
    body = {"content": f"Boots {CANARY}", "visible_to": {"principal": "bob"}}
    made = bob.post("/api/v1/memories", body, **{"idempotency-key": "k"})
    again = bob.post("/api/v1/memories", body, **{"idempotency-key": "k"})
    assert (made.status_code, again["Idempotent-Replayed"]) == (201, "true")
    other = alice.post("/api/v1/memories", {"content": "mine"}, **{"idempotency-key": "k"})
    assert other.status_code == 201
    assert other.json()["id"] != made.json()["id"]


def test_metrics_name_nothing_private(acme, world):
    assert CANARY not in acme.client.get("/metrics").content.decode()


def test_events_of_private_things_are_private(acme, world):
    hidden = {str(each) for each in ids_of(world)}

    def subjects():
        with tenant_transaction(acme.organisation):
            return {each.rpartition("/")[2] for each in OutboxEvent.objects.values_list("subject", flat=True)}

    with viewing(EVERYBODY):
        assert not hidden & subjects()
        with tenant_transaction(acme.organisation):
            assert CANARY not in json.dumps(list(OutboxEvent.objects.values_list("data", flat=True)))
    with seeing_everything():
        assert hidden & subjects()
