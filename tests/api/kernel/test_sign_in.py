"""Staff sign in to the admin at an OpenID Connect provider: a real one on loopback, by HTTP."""

from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
from django.contrib.auth.models import User
from django.test import Client

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.models import Membership, StaffIdentity
from liftos.kernel.tenancy.sign_in.providers import providers, unusable_providers
from liftos.kernel.tenancy.tokens.key_sets import forget_key_sets
from tests.factories.issuer import running_issuer
from tests.factories.principals import group_of, key_of, principal_of

SAYS = {"sub": "s-1", "name": "alice", "roles": ["staff"], "groups": ["sales"]}


@pytest.fixture(scope="module")
def started():
    with running_issuer() as one, running_issuer() as two:
        yield one, two


def provider_at(started, **more):
    return {
        "issuer": started.url, "client_id": "admin", "client_secret_env": "T_SECRET", "organisation": "acme",
        "principal_claim": "name", "groups_claim": "groups", "rights_claim": "roles",
        "rights": {"staff": "curator", "boss": "owner"}, "label": "Corp",
    } | more  # fmt: skip


@pytest.fixture
def issuer(started, acme, settings, monkeypatch):
    monkeypatch.setenv("T_SECRET", "very secret")
    forget_key_sets()
    for each in started:
        each.says, each.forge, each.down = dict(SAYS), None, False
    settings.LIFTOS_ADMIN_OIDC = {"corp": provider_at(started[0]), "other": provider_at(started[1])}
    settings.LIFTOS_OIDC_CREATE_PRINCIPALS = settings.LIFTOS_OIDC_CREATE_GROUPS = True
    assert unusable_providers() == []
    return started[0]


def come_back(client, issuer, name="corp", query="", **changed):
    """Begin, sign in at the issuer, and return the answer to what the browser comes back with."""
    begun = client.get(f"/sign-in/{name}{query}")
    assert begun.status_code == 302, begun.content
    where = urlsplit(issuer.authorize(begun.url))
    return client.get(where.path, dict(parse_qsl(where.query)) | changed)


def test_first_sign_in_makes_an_account_that_sees_what_its_person_sees(issuer, acme):
    bob = key_of(acme, principal_of(acme, "bob", group_of(acme, "sales")))
    bob.store("For sales quetzalcoatlus", visible_to={"groups": ["sales"]})
    client = Client()
    assert "Continue with Corp" in client.get("/admin/login/?next=/admin/memory/memory/").content.decode()
    answer = come_back(client, issuer, query="?next=/admin/memory/memory/")
    assert (answer.status_code, answer.url) == (302, "/admin/memory/memory/")
    user = User.objects.get(username="alice@corp")
    assert (user.is_staff, user.is_superuser, user.has_usable_password()) == (True, False, False)
    assert Membership.objects.get(user=user).role == "curator"
    assert "quetzalcoatlus" in client.get("/admin/memory/memory/").content.decode()
    assert client.get("/admin/tenancy/apikey/add/").status_code == 403
    with tenant_transaction(acme.organisation):
        made = set(DecisionRecord.objects.filter(actor_kind="system").values_list("operation", flat=True))
    assert {"principal.join", "principal.link_member"} <= made
    # again: the same account, with what the claims say now
    issuer.says = SAYS | {"roles": ["boss", "staff"], "groups": [], "name": "alice"}
    assert come_back(Client(), issuer).status_code == 302
    assert User.objects.filter(identity__isnull=False).count() == 1
    assert Membership.objects.get(user=user).role == "owner"
    assert client.post("/admin/logout/").status_code in (200, 302)
    assert client.get("/admin/").status_code == 302


def test_lost_claims_end_access(issuer, acme):
    assert come_back(Client(), issuer).status_code == 302
    issuer.says = SAYS | {"roles": ["visitor"]}
    client = Client()
    assert come_back(client, issuer).status_code == 403
    user = User.objects.get(username="alice@corp")
    assert (user.is_staff, Membership.objects.filter(user=user).count()) == (False, 0)
    assert client.get("/admin/memory/memory/").status_code == 302
    issuer.says = dict(SAYS)
    assert come_back(Client(), issuer).status_code == 302
    for field in ("is_active", "is_superuser"):
        User.objects.filter(pk=user.pk).update(
            **{"is_active": True, "is_superuser": False, field: field != "is_active"}
        )
        assert come_back(Client(), issuer).status_code == 403, field


def test_attacks_are_refused(issuer, acme, started):
    def forged(claims):
        return jwt.encode(claims, None, algorithm="none")

    def key_of_another(claims):
        return jwt.encode(
            claims, next(iter(started[1].keys.values())), algorithm="RS256", headers={"kid": issuer.kid}
        )

    for says in (
        {"nonce": "other"}, {"nonce": None}, {"aud": "liftos"}, {"aud": ["admin", "x"]}, {"azp": "x"}, {"iss": started[1].url},
        {"exp": 1}, {"sub": ""}, {"sub": None}, {"iat": None},
    ):  # fmt: skip
        issuer.says = SAYS | says
        assert come_back(Client(), issuer).status_code == 401, says
    issuer.says = dict(SAYS)
    for forge in (forged, key_of_another):
        issuer.forge = forge
        assert come_back(Client(), issuer).status_code == 401
    issuer.forge = None
    for changed in ({"state": "x"}, {"state": ""}, {"code": "x"}, {"code": ""}, {"iss": started[1].url}):
        assert come_back(Client(), issuer, **changed).status_code == 401, changed
    # without a beginning, in another browser, at another provider, or twice
    client = Client()
    begun = client.get("/sign-in/corp")
    where = urlsplit(issuer.authorize(begun.url))
    asked = dict(parse_qsl(where.query))
    assert Client().get(where.path, asked).status_code == 401
    assert client.get("/sign-in/other/callback", asked).status_code == 401
    assert client.get(where.path, asked).status_code == 401
    client = Client()
    where = urlsplit(issuer.authorize(client.get("/sign-in/corp").url))
    asked = dict(parse_qsl(where.query))
    assert client.get(where.path, asked).status_code == 302
    assert client.get(where.path, asked).status_code == 401
    assert User.objects.filter(identity__isnull=False).count() == 1
    assert client.get("/sign-in/nowhere").status_code == 404
    assert client.post("/sign-in/corp").status_code == 405


def test_next_leads_nowhere_else(issuer):
    for wanted in (
        "https://evil.example/admin/",
        "//evil.example/admin/",
        "/\\evil.example",
        "javascript:x",
        "/api/v1/",
        "/admin/\x00",
    ):
        answer = come_back(Client(), issuer, query="?" + urlencode({"next": wanted}))
        assert (answer.status_code, answer.url) == (302, "/admin/"), wanted


def test_claims_of_strange_shape(issuer, acme):
    for says, status in (
        ({"groups": "sales"}, 302), ({"groups": None}, 302), ({"groups": [f"g{n}" for n in range(501)]}, 403), ({"groups": [1]}, 403),
        ({"groups": {"a": 1}}, 403), ({"roles": "staff"}, 302), ({"roles": {"a": 1}}, 403), ({"name": "x" * 201}, 403),
    ):  # fmt: skip
        issuer.says = SAYS | says
        assert come_back(Client(), issuer).status_code == status, says


def test_emails_decide_by_domain_only_if_verified(issuer, acme, settings):
    settings.LIFTOS_ADMIN_OIDC = {"corp": provider_at(issuer, email_domains=["example.com"])}
    for email, verified, status in (
        (None, True, 403), ("a@example.com", False, 403), ("a@example.com", "true", 403), ("a@example.com.evil", True, 403),
        ("a@evil@notexample.com", True, 403), ("A@Example.COM", True, 302),
    ):  # fmt: skip
        issuer.says = SAYS | {"email": email, "email_verified": verified}
        assert come_back(Client(), issuer).status_code == status, email


def test_one_subject_at_two_issuers_is_two_accounts(issuer, acme, started):
    User.objects.create_user(
        "alice@corp", email="alice@example.com", password="x", is_staff=True, is_superuser=True
    )
    assert come_back(Client(), issuer).status_code == 302
    started[1].says = SAYS | {"name": "carol", "email": "alice@example.com", "email_verified": True}
    assert come_back(Client(), started[1], "other").status_code == 302
    names = set(StaffIdentity.objects.values_list("user__username", flat=True))
    assert len(names) == 2
    assert "carol@other" in names
    # never the account that has this name or e-mail
    assert "alice@corp" not in names


def test_unavailable_provider_and_rotated_keys(issuer, acme):
    issuer.rotate("second")
    forget_key_sets()
    assert come_back(Client(), issuer).status_code == 302
    issuer.down = True
    answer = Client().get("/sign-in/corp")
    assert (answer.status_code, "does not answer" in answer.content.decode()) == (503, True)


def test_passwords_can_be_turned_off(issuer, settings):
    User.objects.create_user("root", password="x", is_staff=True, is_superuser=True)
    asked = {"username": "root", "password": "x", "next": "/admin/"}
    settings.LIFTOS_ADMIN_PASSWORDS = False
    assert Client().post("/admin/login/", asked).status_code == 200
    settings.LIFTOS_ADMIN_PASSWORDS = True
    assert Client().post("/admin/login/", asked).status_code == 302


def test_settings_are_checked(issuer, settings, monkeypatch):
    for more, text in (
        ({"rights": {"x": ["admin"]}}, "roles"), ({"issuer": "http://example.com"}, "https"), ({"client_id": ""}, "client_id"),
        ({"client_secret_env": "T_MISSING"}, "T_MISSING"), ({"client_auth": "none"}, "client_auth"), ({"unknown": 1}, "unknown"),
    ):  # fmt: skip
        settings.LIFTOS_ADMIN_OIDC = {"corp": provider_at(issuer, **more)}
        assert any(text in each for each in unusable_providers()), more
        assert providers() == {}
        assert "very secret" not in " ".join(unusable_providers())
