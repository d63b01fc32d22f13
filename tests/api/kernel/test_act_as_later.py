"""A worker sees what a principal sees only while the key that left it the work may act for that principal."""

import ipaddress
import json

import pytest

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYBODY
from liftos.kernel.tenancy.authority import viewer_now
from liftos.kernel.tenancy.models import ApiKey
from liftos.kernel.tenancy.types import ALL_SCOPES, Actor, ActorKind, Scope
from memory.bulk.jobs import work_on_next_chunk
from tests.factories.keys import change, delete, expire, revoke
from tests.factories.principals import group_of, key_of, principal_of, seen_by

AS_ALICE = {"x-act-as": "alice"}


@pytest.fixture
def alice(acme):
    return principal_of(acme, "alice", group_of(acme, "sales"))


@pytest.fixture
def service(acme):
    return key_of(acme, principal_of(acme, "gateway"), scopes=ALL_SCOPES | {Scope.ACT_AS})


def key_in(caller):
    with tenant_transaction(caller.organisation):
        return ApiKey.objects.get(prefix=caller.token.split("_")[1])


def no_longer_act_as(key):
    change(key, scopes=sorted(ALL_SCOPES))


def work_of(caller, principal):
    return {
        "organisation": caller.organisation,
        "actor": Actor(ActorKind.API_KEY, str(key_in(caller).id)),
        "principal": principal.id,
    }


@pytest.mark.parametrize("end", [no_longer_act_as, revoke, expire, delete])
def test_view_of_another_principal_ends_with_the_right(acme, alice, service, end):
    work = work_of(service, alice)
    assert viewer_now(**work) == seen_by(acme, alice)
    end(key_in(service))
    assert viewer_now(**work) == EVERYBODY


@pytest.mark.parametrize("end", [revoke, expire, delete])
def test_view_of_the_keys_own_principal_ends_with_the_key(acme, alice, end):
    own = key_of(acme, alice)
    work = work_of(own, alice)
    assert viewer_now(**work) == seen_by(acme, alice)
    end(key_in(own))
    assert viewer_now(**work) == EVERYBODY


@pytest.mark.parametrize("keeps_right", [True, False])
def test_bulk_job_stores_what_is_the_principals_only_with_the_right(acme, alice, service, keeps_right):
    line = json.dumps({"content": "A job for alice", "visible_to": {"principal": "alice"}})
    sent = service.send("/api/v1/memories/bulk?mode=async", line, "application/x-ndjson", **AS_ALICE)
    assert sent.status_code == 202, sent.content
    if not keeps_right:
        no_longer_act_as(key_in(service))

    assert work_on_next_chunk(organisation=acme.organisation)

    found = key_of(acme, alice).get("/api/v1/memories").json()["results"]
    assert [each["content"] for each in found] == (["A job for alice"] if keeps_right else [])


def test_empty_header_is_403(alice, service):
    assert service.get("/api/v1/memories", **{"x-act-as": ""}).status_code == 403


def test_header_behind_a_gateway_is_403(acme, alice, settings):
    settings.LIFTOS_TRUSTED_PROXIES = [ipaddress.ip_network("127.0.0.1/32")]
    sent = {"x-org-id": "acme", "x-user-id": "bob"}
    assert acme.client.get("/api/v1/memories", headers=sent).status_code == 200
    assert acme.client.get("/api/v1/memories", headers=sent | AS_ALICE).status_code == 403
