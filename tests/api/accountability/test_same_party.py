"""Two keys of one principal are one party: for reviews, co-approval and steps that await approval."""

import pytest

from liftos.kernel.tenancy.types import Scope
from tests.api.accountability.test_reviews import decide, review
from tests.factories.flows import make_template, registered_functions, step
from tests.factories.principals import key_of, principal_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice(acme):
    return principal_of(acme, "alice")


@pytest.fixture
def keys(acme, alice):
    """Two keys of alice, one of bob, and one of a service that acts for alice."""
    every = frozenset(Scope) - {Scope.LEDGER_FOLLOW}
    first, second = key_of(acme, alice, scopes=every), key_of(acme, alice, scopes=every)
    bob = key_of(acme, principal_of(acme, "bob"), scopes=every)
    service = key_of(acme, principal_of(acme, "bot"), scopes=every)
    return first, second, bob, service


class Acting:
    def __init__(self, caller, named):
        self.caller, self.named = caller, named

    def post(self, path, body):
        return self.caller.post(path, body, **{"x-act-as": self.named})


def test_own_decisions_are_not_reviewed_by_another_key(keys, alice):
    first, second, bob, service = keys
    decision = decide(first)
    for other in (second, Acting(service, "alice"), Acting(service, str(alice.id))):
        answer = review(other, decision)
        assert (answer.status_code, answer.json()["code"]) == (403, "accountability.own_decision")
    assert review(bob, decision).json()["state"] == "approved"
    acted = decide(Acting(service, str(alice.id)))
    assert review(first, acted).status_code == review(service, acted).status_code == 403
    assert review(bob, acted).status_code == 201


def test_two_keys_of_one_principal_are_one_reviewer(acme, keys):
    first, second, bob, service = keys
    decision = decide(acme, risk_class="high")
    states = [
        review(each, decision).json()["state"] for each in (first, second, Acting(service, "alice"), bob)
    ]
    assert states == ["waiting_second", "waiting_second", "waiting_second", "approved"]


def test_a_renamed_principal_stays_the_party_it_was(keys, acme):
    first, second, *_ = keys
    decision = decide(first)
    assert acme.patch("/api/v1/principals/alice", {"name": "alicia"}).status_code == 200
    assert review(second, decision).status_code == 403


def test_a_step_is_not_approved_by_another_key_of_who_started_it(acme, keys):
    first, second, bob, service = keys
    with registered_functions():
        make_template(acme.organisation, step("a", approval=True))
        started = first.post(
            "/api/v1/workflows/runs", {"template": "flow", "visible_to": "organisation", "wait": True}
        )
        path = f"/api/v1/workflows/runs/{started.json()['id']}/approve"
        for other in (second, Acting(service, "alice")):
            refused = other.post(path, {"step": "a"})
            assert (refused.status_code, refused.json()["code"]) == (403, "workflows.own_run")
        assert bob.post(path, {"step": "a"}).status_code == 200
