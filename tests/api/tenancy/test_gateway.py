"""The seed's headers without a key: worth nothing, unless a trusted proxy sends them."""

import ipaddress

import pytest

from liftos.tenancy.models import Organisation
from liftos.tenancy.types import GATEWAY_SCOPES, Scope
from tests.api.routes import GUARDED, body_for

LOCAL = ipaddress.ip_network("127.0.0.0/8")
SECRET = "shared secret"


def call(caller, org, user="u1", *, path="/store", method="POST", remote="127.0.0.1", **headers):
    return caller.client.generic(
        method,
        path,
        body_for(path),
        content_type="application/json",
        headers={"x-org-id": org, "x-user-id": user} | headers,
        REMOTE_ADDR=remote,
    )


@pytest.fixture
def trusted(settings):
    settings.LIFTOS_TRUSTED_PROXIES = [LOCAL, ipaddress.ip_network("2001:db8::/32")]
    return settings


@pytest.mark.parametrize(("method", "path", "scope"), GUARDED)
def test_headers_alone_are_401(acme, method, path, scope):
    assert call(acme, acme.slug, method=method, path=path).status_code == 401


@pytest.mark.parametrize(("method", "path", "scope"), GUARDED)
def test_headers_from_a_trusted_peer_are_taken(acme, trusted, method, path, scope):
    assert call(acme, acme.slug, method=method, path=path).status_code in {200, 201, 404, 422, 428}


@pytest.mark.parametrize("remote", ["10.0.0.1", "128.0.0.1", "::1", "", "rubbish", "127.0.0.1, 10.0.0.1"])
def test_another_peer_is_401(acme, trusted, remote):
    assert call(acme, acme.slug, remote=remote).status_code == 401


@pytest.mark.parametrize("remote", ["127.9.9.9", "2001:db8::1"])
def test_every_trusted_network_counts(acme, trusted, remote):
    assert call(acme, acme.slug, remote=remote).status_code == 200


@pytest.mark.parametrize("header", ["x-forwarded-for", "x-real-ip", "forwarded"])
def test_the_client_can_not_write_its_address(acme, trusted, header):
    response = call(acme, acme.slug, remote="10.0.0.1", **{header: "127.0.0.1"})
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("given", "status"), [(SECRET, 200), ("", 401), ("wrong", 401), ("é", 401), (None, 401)]
)
def test_the_shared_secret_is_needed_where_one_is_set(acme, trusted, given, status):
    trusted.LIFTOS_TRUSTED_PROXY_SECRET = SECRET
    headers = {} if given is None else {"x-liftos-proxy-secret": given}
    assert call(acme, acme.slug, **headers).status_code == status


def test_the_secret_alone_is_no_trust(acme, settings):
    settings.LIFTOS_TRUSTED_PROXY_SECRET = SECRET
    assert call(acme, acme.slug, **{"x-liftos-proxy-secret": SECRET}).status_code == 401


@pytest.mark.parametrize(("org", "user"), [("", "u1"), ("acme", ""), ("", ""), (" ", "u1"), ("acme", " ")])
def test_missing_or_empty_headers_are_401(acme, trusted, org, user):
    response = call(acme, org, user)
    assert response.status_code == 401
    assert response.json() == {"detail": "User context required"}


@pytest.mark.parametrize("header", ["x-org-id", "x-user-id"])
@pytest.mark.parametrize("value", ["acme,rival", "acme,acme", "acme, ", ","])
def test_repeated_headers_are_400_from_a_trusted_peer_too(acme, rival, trusted, header, value):
    assert call(acme, acme.slug, **{header: value}).status_code == 400


def test_the_user_acts_and_is_recorded(acme, trusted):
    call(acme, acme.slug, "u-42")
    [decision] = acme.get("/api/v1/decisions?limit=1").json()["results"]
    assert (decision["actor_kind"], decision["actor_id"]) == ("gateway", "u-42")
    assert decision["on_behalf_of"] == "u-42"


def test_a_key_outranks_the_peer(acme, rival, trusted):
    response = call(acme, rival.slug, authorization=f"Bearer {acme.token}")
    assert response.status_code == 403


def test_a_wrong_key_is_not_made_good_by_the_peer(acme, trusted):
    assert call(acme, acme.slug, authorization="Bearer rubbish").status_code == 401


def test_headers_reach_their_organisation_only(acme, rival, trusted):
    memory = acme.store("secret of acme")
    assert call(rival, rival.slug, method="GET", path=f"/api/v1/memories/{memory}").status_code == 404
    assert call(rival, rival.slug, path="/search").json()["data"]["count"] == 0
    assert call(acme, acme.slug, path="/search").json()["data"]["count"] == 1


def test_the_gateway_is_not_an_administrator(acme, trusted):
    assert Scope.ADMIN not in GATEWAY_SCOPES
    assert {scope for _, _, scope in GUARDED} <= GATEWAY_SCOPES


def test_an_unknown_organisation_is_403(acme, trusted):
    response = call(acme, "newcomer")
    assert response.status_code == 403
    assert not Organisation.objects.filter(slug="newcomer").exists()


@pytest.mark.parametrize("slug", ["newcomer", "org_123", "0a1b-2c3d", "x" * 63])
def test_an_unknown_organisation_is_created_where_that_is_set(acme, trusted, slug):
    trusted.LIFTOS_TRUSTED_CREATE = True
    first, second = call(acme, slug), call(acme, slug, path="/search")
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.json()["metadata"]["org_id"] == slug
    assert second.json()["data"]["count"] == 1
    assert Organisation.objects.filter(slug=slug).count() == 1


@pytest.mark.parametrize(
    "slug", ["ACME", "Acme", "big corp", "acme!", "!!!", "-acme-", "_", "x" * 64, "Zoë", "."]
)
def test_a_name_that_is_not_a_slug_makes_no_organisation(acme, trusted, slug):
    trusted.LIFTOS_TRUSTED_CREATE = True
    before = Organisation.objects.count()
    response = call(acme, slug)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["header", "x-org-id"]
    assert Organisation.objects.count() == before


def test_creation_needs_trust(acme, settings):
    settings.LIFTOS_TRUSTED_CREATE = True
    assert call(acme, "newcomer").status_code == 401
    assert not Organisation.objects.filter(slug="newcomer").exists()
