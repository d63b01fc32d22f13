"""LIFTOS_OIDC_ISSUERS is read whole or not at all, with its faults named and no values quoted."""

import pytest

from liftos.kernel.tenancy.tokens.issuers import issuers, scopes_of, secure_url, unusable_issuers
from liftos.kernel.tenancy.types import Scope

GOOD = {"issuer": "https://login.example.com", "audience": "liftos", "organisation": "acme"}


def test_a_good_setting(settings):
    settings.LIFTOS_OIDC_ISSUERS = {
        "login": GOOD,
        "local": GOOD | {"issuer": "http://127.0.0.1:9000", "audience": ["a", "b"]},
    }
    assert (sorted(issuers()), unusable_issuers()) == (["local", "login"], [])
    assert issuers()["login"].audience == ["liftos"]
    assert issuers()["login"].algorithms == ["RS256", "ES256"]


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        ("login", {"issuer": "http://login.example.com"}, "login.issuer"),
        ("login", {"issuer": "https://user:hunter2@login.example.com"}, "login.issuer"),
        ("login", {"audience": []}, "login.audience"),
        ("login", {"algorithms": ["HS256"]}, "login.algorithms.0"),
        ("login", {"algorithms": ["none"]}, "login.algorithms.0"),
        ("login", {"leeway": 301}, "login.leeway"),
        ("login", {"organisation_claim": "org"}, "needs either organisation or organisation_claim"),
        ("login", {"organisation": None}, "needs either organisation or organisation_claim"),
        ("login", {"rights": {"r": ["act_as"]}}, "login.rights.r"),
        ("login", {"default_rights": "king"}, "login.default_rights"),
        ("login", {"colour": "red"}, "login.colour"),
        ("lo gin", {}, "must be letters, digits and hyphens"),
        ("x" * 41, {}, "must be letters, digits and hyphens"),
    ],
)
def test_a_fault_leaves_no_issuer(settings, name, fields, said):
    settings.LIFTOS_OIDC_ISSUERS = {
        "other": GOOD | {"issuer": "https://other.example.com"},
        name: GOOD | fields,
    }
    assert issuers() == {}
    [problem] = unusable_issuers()
    assert said in problem
    assert "hunter2" not in problem


def test_two_of_one_url(settings):
    settings.LIFTOS_OIDC_ISSUERS = {"a": GOOD, "b": GOOD}
    assert (issuers(), unusable_issuers()) == (
        {},
        ["LIFTOS_OIDC_ISSUERS: https://login.example.com occurs twice."],
    )


@pytest.mark.parametrize(
    "url",
    ["ftp://x.example", "https://", "https://x.example/#a", "http://10.0.0.1", "http://localhost.example"],
)
def test_insecure_urls(url):
    with pytest.raises(ValueError, match="must be"):
        secure_url(url)


@pytest.mark.parametrize(
    "url", ["https://x.example/a", "http://localhost:1", "http://[::1]:1", "http://127.0.0.2"]
)
def test_secure_urls(url):
    assert secure_url(url) == url


def test_scopes_of_rights():
    assert scopes_of(["memory:read", "memory:read"]) == {Scope.MEMORY_READ}
    assert scopes_of([]) == frozenset()
    assert Scope.ADMIN in scopes_of("owner")
