"""Every documented route, by keys of a single scope and with another organisation's ids."""

from dataclasses import fields, replace

import pytest
from django.db import transaction

from liftos.kernel.tenancy.types import Scope
from tests.factories.flows import registered_functions
from tests.factories.keys import with_key
from tests.security.world import DECISION, MEMORY, ROUTES, ask, make_world, text_of

# what can be asked with a scope is one test, so that the world is made once for all routes
READS = {MEMORY: Scope.MEMORY_READ, DECISION: Scope.DECISIONS_READ}


@pytest.fixture(autouse=True)
def calls():
    with registered_functions() as made:
        yield made


def test_every_documented_route_is_called(db, client):
    paths = client.get("/openapi.json").json()["paths"]
    documented = {f"{method.upper()} {path}" for path, operations in paths.items() for method in operations}
    assert documented == set(ROUTES)


@pytest.fixture
def world(acme):
    return make_world(acme)


def undone():
    """Return a savepoint that counts as the test's own: a request within it embeds outside of the product's transactions."""
    block = transaction.atomic()
    block._from_testcase = True
    return block


def answers(caller, world):
    """Call every route independently; yield the route, status and answer text."""
    for route, requests in ROUTES.items():
        for path, body in requests(world):
            with undone():
                response = ask(caller, route, path, body)
                shown = response.status_code, text_of(response)
                transaction.set_rollback(True)
            yield route, *shown


def test_every_route_answers_a_key_with_all_scopes(acme, world):
    other, _ = with_key(acme)
    failed = [
        (route, status, shown[-300:]) for route, status, shown in answers(other, world) if status >= 400
    ]
    assert not failed, "\n".join(map(str, failed))


@pytest.mark.parametrize("scope", sorted(Scope))
def test_no_route_shows_a_single_scope_key_more_than_it_may_read(acme, world, scope):
    weak, _ = with_key(acme, scope)
    shown_to_it = [
        (route, canary)
        for route, status, shown in answers(weak, world)
        for canary, needed in READS.items()
        if canary in shown and scope is not needed
    ]
    assert not shown_to_it, "\n".join(map(str, shown_to_it))


def test_key_with_the_scope_sees_the_content(acme, world):
    reader, _ = with_key(
        acme, Scope.MEMORY_READ, Scope.DECISIONS_READ, Scope.SPACES_READ, Scope.WORKFLOWS_RUN
    )
    shown = {
        (route, canary) for route, _, text in answers(reader, world) for canary in READS if canary in text
    }
    for route in (
        "GET /api/v1/memories/{memory}", "GET /api/v1/spaces/{space}/positions", "GET /api/v1/spaces/{space}/neighbours",
        "GET /api/v1/workflows/runs/{run}", "POST /api/v1/search",
    ):  # fmt: skip
        assert (route, MEMORY) in shown
    assert ("GET /api/v1/decisions/{decision}", DECISION) in shown


def test_other_organisations_ids_are_unknown_on_every_route(acme, rival, world):
    own = make_world(rival)
    # the world of another, named field by field, so that what else a path names is the caller's own
    for each in fields(world):
        # a log token is a credential of its own, in the place of the caller's
        if each.name in ("slug", "token", "size"):
            continue
        mixed = replace(own, **{each.name: getattr(world, each.name)})
        for route, requests in ROUTES.items():
            for (path, body), before in zip(requests(mixed), requests(own), strict=True):
                if (path, body) == before:
                    continue
                with undone():
                    response = ask(rival, route, path, body)
                    shown = text_of(response)
                    transaction.set_rollback(True)
                told = (each.name, route, response.status_code, shown[:500])
                # named in a body or a query, it is a field at fault
                expected = {404} if path.partition("?")[0] != before[0].partition("?")[0] else {404, 422}
                assert response.status_code in expected, told
                assert MEMORY not in shown, told
                assert DECISION not in shown, told
