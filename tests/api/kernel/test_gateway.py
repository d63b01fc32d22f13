"""The old platform's headers without a key: worth nothing, unless a trusted proxy sends them."""

import ipaddress

import pytest

from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.types import GATEWAY_SCOPES, Scope
from tests.api.routes import GUARDED, body_for

LOCAL = ipaddress.ip_network("127.0.0.0/8")
SECRET = "shared secret"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSIsIm9yZyI6ImFjbWUifQ.c2lnbmF0dXJl"


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
    # a gateway's user is no administrator
    answers = {403} if scope is Scope.ADMIN else {200, 201, 404, 415, 422, 428}
    assert call(acme, acme.slug, method=method, path=path).status_code in answers


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


def test_secret_alone_does_not_make_a_peer_trusted(acme, settings):
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


WRONG_KEYS = [
    {"authorization": "Bearer liftos_rubbish"},
    {"authorization": "bearer liftos_"},
    {"authorization": f"Bearer liftos_000000000000_{'a' * 43}"},
    {"authorization": f"Basic liftos_000000000000_{'a' * 43}"},
    {"authorization": "liftos_rubbish"},
    {"authorization": "Bearer Bearer liftos_rubbish"},
    {"x-api-key": "liftos_rubbish"},
    {"x-api-key": "liftos_rubbish", "authorization": f"Bearer {JWT}"},
    {"x-api-key": JWT, "authorization": "Bearer liftos_rubbish"},
]


@pytest.mark.parametrize("headers", WRONG_KEYS)
def test_a_wrong_key_is_not_made_good_by_the_peer(acme, trusted, headers):
    trusted.LIFTOS_TRUSTED_DEFAULT_ORG = acme.slug
    for user in ("u1", ""):
        assert call(acme, acme.slug, user, **headers).status_code == 401
    assert call(acme, "", "", **headers).status_code == 401


OTHERS_CREDENTIALS = [
    {"authorization": f"Bearer {JWT}"},
    {"authorization": f"bearer {JWT}"},
    {"authorization": f"BEARER   {JWT} "},
    {"authorization": "Bearer rubbish"},
    {"authorization": "Bearer not_liftos_at_all"},
    {"authorization": "Bearer "},
    {"authorization": "Bearer"},
    {"authorization": "Basic dTE6c2VjcmV0"},
    {"authorization": 'Digest username="u1", realm="gateway", nonce="1"'},
    {"x-api-key": JWT},
    {"authorization": f"Bearer {JWT}", "x-api-key": "the gateway's own"},
]


@pytest.mark.parametrize("headers", OTHERS_CREDENTIALS)
def test_gateways_own_bearer_is_not_checked(acme, trusted, headers):
    response = call(acme, acme.slug, "u-42", **headers)
    assert response.status_code == 200
    assert response.json()["metadata"]["org_id"] == acme.slug
    [decision] = acme.get("/api/v1/decisions?limit=1").json()["results"]
    assert (decision["actor_kind"], decision["actor_id"]) == ("gateway", "u-42")


@pytest.mark.parametrize(("method", "path", "scope"), GUARDED)
def test_a_forwarded_jwt_is_let_in_on_every_route(acme, trusted, method, path, scope):
    response = call(acme, acme.slug, method=method, path=path, authorization=f"Bearer {JWT}")
    answers = {403} if scope is Scope.ADMIN else {200, 201, 404, 415, 422, 428}
    assert response.status_code in answers


@pytest.mark.parametrize("headers", OTHERS_CREDENTIALS)
def test_another_credential_does_not_make_an_untrusted_peer_trusted(acme, trusted, headers):
    trusted.LIFTOS_TRUSTED_DEFAULT_ORG = acme.slug
    assert call(acme, acme.slug, remote="10.0.0.1", **headers).status_code == 401


@pytest.mark.parametrize("headers", OTHERS_CREDENTIALS)
@pytest.mark.parametrize(("org", "user"), [("acme", ""), ("", "u1"), ("", "")])
def test_another_credential_does_not_stand_in_for_the_headers(acme, trusted, headers, org, user):
    assert call(acme, org, user, **headers).status_code == 401


@pytest.mark.parametrize("joined", [f"Bearer {JWT},Bearer {JWT}", f"Bearer {JWT}, Basic x", "Bearer a,b"])
def test_two_credentials_in_one_header_are_401(acme, trusted, joined):
    assert call(acme, acme.slug, authorization=joined).status_code == 401


def test_our_key_takes_precedence_over_the_gateways_bearer(acme, rival, trusted):
    both = {"authorization": f"Bearer {JWT}", "x-api-key": acme.token}
    assert call(acme, acme.slug, **both).status_code == 200
    assert call(acme, rival.slug, **both).status_code == 403


@pytest.mark.parametrize("credential", [{}, {"authorization": f"Bearer {JWT}"}])
def test_without_headers_a_trusted_peer_acts_for_the_default_organisation(acme, trusted, credential):
    trusted.LIFTOS_TRUSTED_DEFAULT_ORG = acme.slug
    response = call(acme, "", "", **credential)
    assert response.status_code == 200
    assert response.json()["metadata"]["org_id"] == acme.slug
    [decision] = acme.get("/api/v1/decisions?limit=1").json()["results"]
    assert (decision["actor_kind"], decision["actor_id"]) == ("gateway", "127.0.0.1")
    assert decision["on_behalf_of"] == ""


def test_a_user_without_an_organisation_acts_in_the_default_one(acme, trusted):
    trusted.LIFTOS_TRUSTED_DEFAULT_ORG = acme.slug
    assert call(acme, "", "u-42").json()["metadata"]["org_id"] == acme.slug
    [decision] = acme.get("/api/v1/decisions?limit=1").json()["results"]
    assert (decision["actor_id"], decision["on_behalf_of"]) == ("u-42", "u-42")


def test_the_default_organisation_does_not_stand_in_for_a_named_one(acme, rival, trusted):
    trusted.LIFTOS_TRUSTED_DEFAULT_ORG = acme.slug
    assert call(acme, rival.slug, "").status_code == 401
    assert call(acme, "newcomer").status_code == 403
    assert call(acme, rival.slug).json()["metadata"]["org_id"] == rival.slug


def test_an_untrusted_peer_has_no_default_organisation(acme, trusted):
    trusted.LIFTOS_TRUSTED_DEFAULT_ORG = acme.slug
    for user in ("", "u1"):
        assert call(acme, "", user, remote="10.0.0.1").status_code == 401
    trusted.LIFTOS_TRUSTED_PROXY_SECRET = SECRET
    assert call(acme, "", "").status_code == 401
    assert call(acme, "", "", **{"x-liftos-proxy-secret": SECRET}).status_code == 200


@pytest.mark.parametrize("create", [True, False])
def test_a_default_organisation_that_does_not_exist_is_403_and_logged(acme, trusted, caplog, create):
    trusted.LIFTOS_TRUSTED_DEFAULT_ORG, trusted.LIFTOS_TRUSTED_CREATE = "nobody", create
    response = call(acme, "", "")
    assert response.status_code == 403
    assert response.json() == {"detail": "The default organisation does not exist; send x-org-id."}
    assert "the organisation in LIFTOS_TRUSTED_DEFAULT_ORG does not exist" in caplog.text
    assert not Organisation.objects.filter(slug="nobody").exists()


@pytest.mark.parametrize("roles", ["admin", "admin,owner", " Admin "])
def test_roles_of_the_headers_give_no_rights(acme, rival, trusted, roles):
    def context(slug, of):
        return call(of, of.slug, method="DELETE", path=f"/context/{slug}", **{"x-user-roles": roles})

    assert context(acme.slug, acme).status_code == 200
    assert context(rival.slug, acme).status_code == 404
    policy = call(acme, acme.slug, method="PUT", path="/api/v1/reviews/policy", **{"x-user-roles": roles})
    assert policy.status_code == 403


def test_headers_reach_their_organisation_only(acme, rival, trusted):
    memory = acme.store("secret of acme")
    assert call(rival, rival.slug, method="GET", path=f"/api/v1/memories/{memory}").status_code == 404
    assert call(rival, rival.slug, path="/search").json()["data"]["count"] == 0
    assert call(acme, acme.slug, path="/search").json()["data"]["count"] == 1


def test_the_gateway_is_not_an_administrator(acme, trusted):
    assert Scope.ADMIN not in GATEWAY_SCOPES
    assert {scope for _, _, scope in GUARDED} <= GATEWAY_SCOPES | {Scope.ADMIN}


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
