"""JWTs of configured issuers as credentials of the API."""

import ipaddress
import json
from time import time

import jwt
from cryptography.hazmat.primitives import serialization

from liftos.kernel.tenancy.authority import scopes_now
from liftos.kernel.tenancy.principals import create_principal
from liftos.kernel.tenancy.tokens import key_sets
from liftos.kernel.tenancy.types import SYSTEM, Actor, ActorKind, PrincipalKind, Scope
from tests.factories.issuer import holding, running_issuer
from tests.factories.principals import group_of, key_of, principal_of, seen_by

ME = "/api/v1/memories"


def code(response):
    return response.json()["code"]


def test_a_token_is_a_credential_and_its_principal_the_actor(acme, issuer):
    alice = holding(acme, issuer.token(roles=["writers"]))
    memory = alice.store("written with a token")
    assert alice.get(f"{ME}/{memory}").status_code == 200
    [decision] = alice.get("/api/v1/decisions?limit=1&effect=write").json()["results"]
    assert (decision["actor_kind"], decision["on_behalf_of"]) == ("principal", "alice")


def other_key_as(kid):
    with running_issuer() as foreign:
        foreign.rotate(kid)
        return foreign.keys[kid]


def test_invalid_tokens_are_401_without_a_reason(acme, issuer):
    now = int(time())
    public = (
        issuer.keys["first"]
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    # the library itself refuses to sign with a public key, so the confusion is signed by hand
    import base64
    import hashlib
    import hmac

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    signed = part({"alg": "HS256", "kid": "first"}) + b"." + part(issuer.claims())
    mac = base64.urlsafe_b64encode(hmac.new(public, signed, hashlib.sha256).digest()).rstrip(b"=")
    wrong = {
        "expired": issuer.token(exp=now - 1),
        "not yet": issuer.token(nbf=now + 60),
        "issued later": issuer.token(iat=now + 60),
        "no expiry": issuer.token(exp=None),
        "no subject": issuer.token(sub=None),
        "other audience": issuer.token(aud="another"),
        "no audience": issuer.token(aud=None),
        "other issuer": issuer.token(iss="https://evil.example"),
        "issuer's prefix": issuer.token(iss=issuer.url + "/"),
        "unknown key": issuer.token(headers={"kid": "unknown"}),
        "path as kid": issuer.token(headers={"kid": "../../etc/passwd"}),
        "critical extension": issuer.token(headers={"crit": ["exp"]}),
        "logout token": issuer.token(headers={"typ": "logout+jwt"}),
        "another's signature": jwt.encode(
            issuer.claims(), other_key_as("first"), algorithm="RS256", headers={"kid": "first"}
        ),
        "none": jwt.encode(issuer.claims(), None, algorithm="none", headers={"kid": "first"}),
        "confusion": (signed + b"." + mac).decode(),
        "not allowed": jwt.encode(
            issuer.claims(), issuer.keys["first"], algorithm="RS512", headers={"kid": "first"}
        ),
        "cut": issuer.token()[:-5],
        "rubbish": "eyJ.eyJ.x",
        "huge": issuer.token(filler="x" * 20_000),
    }
    for name, token in wrong.items():
        response = holding(acme, token).get(ME)
        assert (response.status_code, code(response)) == (401, "tenancy.invalid_token"), name
        assert response.json()["detail"] == "The token is not valid.", name


def test_urls_in_a_token_are_never_fetched(acme, issuer):
    headers = {"jku": f"{issuer.url}/evil", "x5u": f"{issuer.url}/evil"}
    assert holding(acme, issuer.token(headers=headers, roles="readers")).get(ME).status_code == 200
    assert "/evil" not in issuer.asked


def test_rotated_keys_are_fetched_once_and_unknown_ones_at_most_every_ten_seconds(acme, issuer, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(key_sets, "_known", key_sets.KeySets(lambda: clock[0]))
    for _ in range(3):
        assert holding(acme, issuer.token(roles="readers")).get(ME).status_code == 200
    assert issuer.asked.count("/keys") == 1
    issuer.rotate("second")
    clock[0] += key_sets.REFETCH_SECONDS
    assert holding(acme, issuer.token(roles="readers")).get(ME).status_code == 200
    for number in range(5):
        assert holding(acme, issuer.token(headers={"kid": f"unknown {number}"})).get(ME).status_code == 401
    assert issuer.asked.count("/keys") == 2


def test_issuer_that_does_not_answer_is_503_unless_its_keys_are_known(acme, issuer, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(key_sets, "_known", key_sets.KeySets(lambda: clock[0]))
    token, issuer.down = issuer.token(roles="readers"), True
    response = holding(acme, token).get(ME)
    assert (response.status_code, code(response)) == (503, "tenancy.issuer_unavailable")
    issuer.down, clock[0] = False, clock[0] + key_sets.REFETCH_SECONDS
    assert holding(acme, token).get(ME).status_code == 200
    issuer.down, clock[0] = True, clock[0] + key_sets.KEEP_SECONDS
    assert holding(acme, token).get(ME).status_code == 200
    clock[0] += key_sets.STALE_SECONDS + 1
    assert holding(acme, token).get(ME).status_code == 503


def test_rights_are_those_of_the_claims(acme, issuer):
    reader, nobody = holding(acme, issuer.token(roles=["readers"])), holding(acme, issuer.token(roles=["x"]))
    assert reader.get(ME).status_code == 200
    assert reader.post(ME, {"content": "no"}).status_code == 403
    assert nobody.get(ME).status_code == 403


def test_the_organisation_is_the_tokens(acme, rival, issuer, settings):
    token = issuer.token(roles="readers", org=[acme.slug, rival.slug])
    assert holding(acme, token).get(ME, **{"x-org-id": rival.slug}).status_code == 403
    settings.LIFTOS_OIDC_ISSUERS["test"] |= {"organisation": None, "organisation_claim": "org"}
    assert holding(acme, token).get(ME).status_code == 403
    assert holding(acme, token).get(ME, **{"x-org-id": rival.slug}).status_code == 200
    for org in (None, "nowhere", 7, "\x00"):
        response = holding(acme, issuer.token(roles="readers", org=org)).get(ME)
        assert (response.status_code, code(response)) == (403, "tenancy.token_not_mapped"), org


def test_unknown_principals_are_refused_unless_they_are_created(acme, issuer, settings):
    settings.LIFTOS_OIDC_CREATE_PRINCIPALS = False
    response = holding(acme, issuer.token(roles="readers")).get(ME)
    assert (response.status_code, code(response)) == (403, "tenancy.unknown_principal")
    principal_of(acme, "alice")
    assert holding(acme, issuer.token(roles="readers")).get(ME).status_code == 200


def test_a_name_does_not_give_another_subjects_principal(acme, issuer, settings):
    settings.LIFTOS_OIDC_ISSUERS["test"]["principal_claim"] = "name"
    create_principal(organisation=acme.organisation, by=SYSTEM, name="robot", kind=PrincipalKind.SERVICE)
    assert holding(acme, issuer.token(name="Alice", roles="readers")).get(ME).status_code == 200
    for claims in ({"sub": "mallory", "name": "Alice"}, {"sub": "mallory", "name": "robot"}):
        response = holding(acme, issuer.token(roles="readers", **claims)).get(ME)
        assert (response.status_code, code(response)) == (403, "tenancy.unknown_principal")


def test_groups_of_the_token_bound_what_is_seen_whatever_is_stored(acme, issuer):
    sales, board = group_of(acme, "sales"), group_of(acme, "board")
    alice = principal_of(acme, "alice", sales, board)
    key = key_of(acme, alice)
    secrets = {name: key.store(f"of {name}", visible_to={"groups": [name]}) for name in ("sales", "board")}
    now = int(time())

    def sees(**claims):
        caller = holding(acme, issuer.token(roles="writers", **claims))
        return {name for name, memory in secrets.items() if caller.get(f"{ME}/{memory}").status_code == 200}

    assert sees(groups=["sales", "board"], iat=now - 20) == {"sales", "board"}
    assert sees(groups=["sales", "unknown"], iat=now - 10) == {"sales"}
    # an earlier token still counts for its own request, but what is stored is the latest's
    assert sees(groups=["sales", "board"], iat=now - 20) == {"sales", "board"}
    assert sees(iat=now) == set()
    assert seen_by(acme, alice).scopes == (seen_by(acme, alice).own,)
    narrow = holding(acme, issuer.token(roles="writers", groups=["sales"], iat=now - 5))
    refused = narrow.post(ME, {"content": "x", "visible_to": {"groups": ["board"]}})
    assert refused.status_code == 422


def test_later_work_has_the_rights_of_the_latest_token(acme, issuer, settings):
    alice, now = principal_of(acme, "alice"), int(time())
    actor = Actor(ActorKind.PRINCIPAL, str(alice.id))

    def may_write():
        return Scope.MEMORY_WRITE in scopes_now(organisation=acme.organisation, actor=actor)

    assert not may_write()
    holding(acme, issuer.token(roles="writers", iat=now - 10)).get(ME)
    assert may_write()
    holding(acme, issuer.token(roles="readers", iat=now - 5)).get(ME)
    holding(acme, issuer.token(roles="writers", iat=now - 10)).get(ME)
    assert not may_write()
    holding(acme, issuer.token(roles="writers", iat=now)).get(ME)
    assert may_write()
    settings.LIFTOS_OIDC_ISSUERS = {}
    assert not may_write()


def test_a_person_acts_only_for_itself(acme, issuer):
    alice = holding(acme, issuer.token(roles="readers"))
    assert alice.get(ME, **{"x-user-id": "alice"}).status_code == 200
    assert alice.get(ME, **{"x-user-id": "bob"}).status_code == 403


def test_a_gateways_token_is_its_own_business(acme, rival, issuer, settings):
    settings.LIFTOS_TRUSTED_PROXIES = [ipaddress.ip_network("127.0.0.0/8")]
    expired = holding(acme, issuer.token(exp=int(time()) - 1))
    as_rival = {"x-org-id": rival.slug, "x-user-id": "u1"}
    assert expired.get(ME, **as_rival).status_code == 200
    assert expired.get(ME).status_code == 401
    assert holding(acme, issuer.token(roles="readers")).get(ME).status_code == 200


def test_our_key_beside_a_token_decides(acme, issuer):
    both = holding(acme, issuer.token(exp=1))
    assert both.get(ME, **{"x-api-key": acme.token}).status_code == 200
