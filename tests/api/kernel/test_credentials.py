"""API keys: who is let in, and to what."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from liftos.kernel.tenancy.operations import create_api_key, revoke_api_key
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Scope
from tests.api.routes import GUARDED, PUBLIC, body_for

NO_KEYS = [
    "",
    "rubbish",
    "liftos_",
    "liftos_000000000000_" + "a" * 43,
    "liftos_ABCDEF012345_" + "a" * 43,
    "\udc80",
    "\x00",
    "é" * 10,
    "a" * 100_000,
    "liftos_'; DROP TABLE--_" + "a" * 43,
]


def call(caller, method, path, **headers):
    return caller.client.generic(
        method, path, body_for(path), content_type="application/json", headers=headers
    )


def with_key(caller, **fields):
    key, token = create_api_key(organisation=caller.organisation, by=SYSTEM, **fields)
    return key, replace(caller, token=token)


@pytest.mark.parametrize(("method", "path", "scope"), GUARDED)
def test_missing_credential_is_401(acme, method, path, scope):
    response = call(acme, method, path)
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["detail"] == "User context required"


@pytest.mark.parametrize(("method", "path", "scope"), GUARDED)
def test_a_key_with_its_scope_alone_is_let_in(acme, method, path, scope):
    _, holder = with_key(acme, scopes=frozenset({scope}))
    response = call(acme, method, path, authorization=f"Bearer {holder.token}")
    assert response.status_code in {200, 201, 404, 415, 422, 428}


@pytest.mark.parametrize(("method", "path", "scope"), GUARDED)
def test_a_key_with_every_scope_but_one_is_403(acme, method, path, scope):
    # who may write may propose
    above = {Scope.MEMORY_WRITE} if scope is Scope.MEMORY_PROPOSE else set()
    _, holder = with_key(acme, scopes=ALL_SCOPES - {scope} - above)
    response = call(acme, method, path, authorization=f"Bearer {holder.token}")
    assert response.status_code == 403
    assert scope in response.json()["detail"]


def test_a_key_without_scopes_is_403(acme):
    _, holder = with_key(acme, scopes=frozenset())
    assert holder.get("/api/v1/memories").status_code == 403


@pytest.mark.parametrize("path", PUBLIC)
def test_public_route_needs_no_credential(acme, path):
    assert acme.client.get(path).status_code == 200
    assert acme.client.get(path, headers={"authorization": "Bearer rubbish"}).status_code == 200


@pytest.mark.parametrize("token", NO_KEYS)
@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_unknown_key_is_401(acme, header, token):
    sent = f"Bearer {token}" if header == "authorization" else token
    response = call(acme, "GET", "/api/v1/memories", **{header: sent})
    assert response.status_code == 401


def test_a_right_prefix_with_a_wrong_secret_is_401(acme):
    wrong = acme.token[:-1] + ("A" if acme.token[-1] != "A" else "B")
    response = replace(acme, token=wrong).get("/api/v1/memories")
    assert response.status_code == 401
    assert response.json()["code"] == "tenancy.invalid_key"


def test_one_organisations_prefix_with_anothers_secret_is_401(acme, rival):
    crossed = acme.token.rsplit("_", 1)[0][:19] + rival.token[19:]
    assert crossed != acme.token
    assert replace(acme, token=crossed).get("/api/v1/memories").status_code == 401


@pytest.mark.parametrize("scheme", ["Basic", "Token", "", "Bearer Bearer"])
def test_another_scheme_is_401(acme, scheme):
    assert call(acme, "GET", "/api/v1/memories", authorization=f"{scheme} {acme.token}").status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_case_insensitive(acme, scheme):
    assert call(acme, "GET", "/api/v1/memories", authorization=f"{scheme} {acme.token}").status_code == 200


def test_key_is_accepted_as_x_api_key(acme):
    assert call(acme, "GET", "/api/v1/memories", **{"x-api-key": acme.token}).status_code == 200


def test_two_keys_joined_are_401(acme, rival):
    joined = f"Bearer {acme.token},Bearer {rival.token}"
    assert call(acme, "GET", "/api/v1/memories", authorization=joined).status_code == 401


def test_a_revoked_key_is_401_at_once(acme):
    key, holder = with_key(acme)
    before = holder.get("/api/v1/memories").status_code
    revoke_api_key(organisation=acme.organisation, by=SYSTEM, key=key.id, now=timezone.now())
    assert (before, holder.get("/api/v1/memories").status_code) == (200, 401)
    assert acme.get("/api/v1/memories").status_code == 200


@pytest.mark.parametrize(("minutes", "status"), [(-1, 401), (1, 200)])
def test_a_key_ends_with_its_time(acme, minutes, status):
    _, holder = with_key(acme, expires_at=timezone.now() + timedelta(minutes=minutes))
    assert holder.get("/api/v1/memories").status_code == status


def test_a_refused_key_is_not_named(acme):
    response = replace(acme, token="liftos_000000000000_" + "s" * 43).get("/api/v1/memories")
    assert "000000000000" not in response.content.decode()
    assert "ssss" not in response.content.decode()


@pytest.mark.parametrize("form", ["slug", "organisation"])
def test_a_header_that_agrees_with_the_key_is_taken(acme, form):
    assert acme.get("/api/v1/memories", **{"x-org-id": str(getattr(acme, form))}).status_code == 200


@pytest.mark.parametrize(("method", "path", "scope"), GUARDED)
def test_a_header_that_disagrees_with_the_key_is_403(acme, rival, method, path, scope):
    for claimed in (rival.slug, str(rival.organisation), "nobody", "ACME", f"{acme.slug}x"):
        headers = {"authorization": f"Bearer {acme.token}", "x-org-id": claimed}
        assert call(acme, method, path, **headers).status_code == 403


@pytest.mark.parametrize("name", ["x-org-id", "x-user-id"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/v1/memories"), ("POST", "/search")])
def test_a_repeated_context_header_is_400(acme, method, path, name):
    for value in ("acme,acme", "acme, rival", ",", "acme,", ",acme"):
        response = call(acme, method, path, **{"authorization": f"Bearer {acme.token}", name: value})
        assert response.status_code == 400
        assert name in response.json()["detail"]


@pytest.mark.parametrize("name", ["x-org-id", "x-user-id"])
@pytest.mark.parametrize("value", ["a\x00b", "u" * 201, "u" * 100_000])
@pytest.mark.parametrize("path", ["/api/v1/memories", "/store"])
def test_invalid_context_header_is_422(acme, path, name, value):
    response = acme.post(path, {"content": "x"}, **{name: value})
    assert response.status_code == 422
    items = response.json()["detail"] if path == "/store" else response.json()["errors"]
    assert items[0]["loc"] == ["header", name]


@pytest.mark.parametrize("user", ["u1", "u" * 200, "Zoë", "à", "\U0001f600", "a b", "../../etc", "<script>"])
def test_the_user_id_is_recorded_as_on_behalf_of(acme, user):
    as_wsgi_has_it = user.encode().decode("latin-1")
    acme.post("/store", {"content": "x"}, **{"x-user-id": as_wsgi_has_it})
    [decision] = acme.get("/api/v1/decisions?limit=1").json()["results"]
    assert decision["on_behalf_of"] == user
    assert decision["actor_kind"] == "api_key"


@pytest.mark.parametrize(("sent", "recorded"), [("Zo\xeb", "Zoë"), ("\xff\xfe", "ÿþ"), ("\udcff", "?")])
def test_a_user_id_that_is_not_utf8_is_still_recorded(acme, sent, recorded):
    assert acme.post("/store", {"content": "x"}, **{"x-user-id": sent}).status_code == 200
    [decision] = acme.get("/api/v1/decisions?limit=1").json()["results"]
    assert decision["on_behalf_of"] == recorded


def test_without_a_user_id_the_record_names_no_person(acme):
    acme.post("/store", {"content": "x"})
    [decision] = acme.get("/api/v1/decisions?limit=1").json()["results"]
    assert decision["on_behalf_of"] == ""


def test_roles_are_not_a_claim_a_caller_can_make(acme):
    _, holder = with_key(acme, scopes=frozenset())
    assert holder.get("/api/v1/memories", **{"x-user-roles": "admin"}).status_code == 403
