"""Claims of a token become a holder, or are refused by name."""

import pytest

from liftos.kernel.tenancy.roles import ROLE_SCOPES
from liftos.kernel.tenancy.tokens.issuers import Issuer
from liftos.kernel.tenancy.tokens.mapping import MAX_VALUES, TokenNotMapped, holder_of
from liftos.kernel.tenancy.types import PrincipalKind, Role, Scope

URL = "https://login.example.com"


def issuer(**fields):
    usual = {"issuer": URL, "audience": "liftos", "organisation": "acme"}
    return Issuer.model_validate(
        {name: value for name, value in (usual | fields).items() if value is not None}
    )


def held(claims=None, **fields):
    return holder_of({"sub": "s-1", "iat": 1_700_000_000.9} | (claims or {}), issuer(**fields))


def test_usual_claims():
    holder = held()
    assert (holder.issuer, holder.subject, holder.issued_at) == (URL, "s-1", 1_700_000_000)
    assert (holder.organisations, holder.name, holder.kind) == (("acme",), "s-1", PrincipalKind.PERSON)
    assert (holder.groups, holder.scopes) == (None, frozenset())


@pytest.mark.parametrize(
    ("claims", "fields", "name", "expected"),
    [
        ({"org": "acme"}, {"organisation": None, "organisation_claim": "org"}, "organisations", ("acme",)),
        (
            {"org": ["a", "b", "a"]},
            {"organisation": None, "organisation_claim": "org"},
            "organisations",
            ("a", "b"),
        ),
        ({"email": " ann@example.com "}, {"principal_claim": "email"}, "name", "ann@example.com"),
        ({"k": "agent"}, {"kind_claim": "k"}, "kind", PrincipalKind.AGENT),
        ({}, {"kind_claim": "k", "kind": "service"}, "kind", PrincipalKind.SERVICE),
        ({"groups": ["sales", "legal"]}, {"groups_claim": "groups"}, "groups", ("sales", "legal")),
        ({}, {"groups_claim": "groups"}, "groups", ()),
        # names may be URLs with dots, and paths lead into objects
        ({"https://x.example/g.s": ["a"]}, {"groups_claim": "https://x.example/g.s"}, "groups", ("a",)),
        ({"realm": {"groups": ["a"]}}, {"groups_claim": "realm.groups"}, "groups", ("a",)),
        ({"realm": "text"}, {"groups_claim": "realm.groups"}, "groups", ()),
    ],
)
def test_claims_are_read(claims, fields, name, expected):
    assert getattr(held(claims, **fields), name) == expected


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"roles": ["editor"]}, ROLE_SCOPES[Role.CURATOR]),
        ({"roles": ["editor", "reader"]}, ROLE_SCOPES[Role.CURATOR] | {Scope.MEMORY_READ}),
        ({"roles": "openid reader"}, frozenset({Scope.MEMORY_READ})),  # OAuth's scope is one text with spaces
        ({"roles": ["unknown"]}, frozenset({Scope.SPACES_READ})),
        ({}, frozenset({Scope.SPACES_READ})),
    ],
)
def test_rights_are_the_union_of_those_mapped_or_else_the_default(claims, expected):
    rights = {"editor": "curator", "reader": ["memory:read"]}
    holder = held(claims, rights_claim="roles", rights=rights, default_rights=["spaces:read"])
    assert holder.scopes == expected


@pytest.mark.parametrize(
    ("claims", "fields", "named"),
    [
        ({}, {"organisation": None, "organisation_claim": "org"}, "'org'"),
        ({"org": 7}, {"organisation": None, "organisation_claim": "org"}, "'org'"),
        ({}, {"principal_claim": "email"}, "'email'"),
        ({"email": ["a", "b"]}, {"principal_claim": "email"}, "'email'"),
        ({"email": " "}, {"principal_claim": "email"}, "'email'"),
        ({"email": "a\nb"}, {"principal_claim": "email"}, "'email'"),
        ({"email": "a" * 201}, {"principal_claim": "email"}, "'email'"),
        ({"k": "robot"}, {"kind_claim": "k"}, "'k'"),
        ({"groups": {"a": 1}}, {"groups_claim": "groups"}, "'groups'"),
        ({"groups": ["a", 7]}, {"groups_claim": "groups"}, "'groups'"),
        ({"groups": [str(n) for n in range(MAX_VALUES + 1)]}, {"groups_claim": "groups"}, "'groups'"),
    ],
)
def test_a_missing_or_malformed_claim_is_named(claims, fields, named):
    with pytest.raises(TokenNotMapped, match=named):
        held(claims, **fields)
