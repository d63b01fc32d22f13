"""Work that a gateway's caller left sees what its principal sees only while the gateway may still name principals."""

import ipaddress

import pytest

from liftos.kernel.db.viewers import EVERYBODY
from liftos.kernel.tenancy.authority import viewer_now
from liftos.kernel.tenancy.principals import find_principal, rename_principal
from liftos.kernel.tenancy.types import SYSTEM, Actor, ActorKind, PrincipalKind
from tests.factories.principals import principal_of, seen_by

pytestmark = pytest.mark.django_db


def test_a_gateway_caller_is_checked_again(acme, settings):
    alice, bob = principal_of(acme, "alice"), principal_of(acme, "bob")
    by = Actor(ActorKind.GATEWAY, "alice", "alice")
    settings.LIFTOS_TRUSTED_PROXIES, settings.LIFTOS_USER_IS_PRINCIPAL = (
        [ipaddress.ip_network("10.0.0.0/8")],
        True,
    )

    def now(principal):
        return viewer_now(organisation=acme.organisation, actor=by, principal=principal.id)

    assert (now(alice), now(bob)) == (seen_by(acme, alice), EVERYBODY)
    settings.LIFTOS_USER_IS_PRINCIPAL = False
    assert now(alice) == EVERYBODY
    settings.LIFTOS_USER_IS_PRINCIPAL, settings.LIFTOS_TRUSTED_PROXIES = True, []
    assert now(alice) == EVERYBODY
    settings.LIFTOS_TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8")]
    found = find_principal(organisation=acme.organisation, named="alice")
    rename_principal(
        organisation=acme.organisation, by=SYSTEM, principal=found, name="alicia", kind=PrincipalKind.PERSON
    )
    assert now(alice) == EVERYBODY


def test_a_token_speaks_for_its_own_principal_alone(acme):
    alice, bob = principal_of(acme, "alice"), principal_of(acme, "bob")
    by = Actor(ActorKind.PRINCIPAL, str(alice.id), "alice")
    seen = [viewer_now(organisation=acme.organisation, actor=by, principal=each.id) for each in (alice, bob)]
    assert seen == [seen_by(acme, alice), EVERYBODY]
