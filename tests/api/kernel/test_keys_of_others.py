"""Whoever manages keys and groups needs a break-glass to open to themselves what only others see."""

from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.outbox.models import OutboxEvent
from liftos.kernel.tenancy.models import Membership
from liftos.kernel.tenancy.types import ALL_SCOPES, Scope
from tests.factories.principals import group_of, key_of, open_glass, principal_of

KEYS, GLASS = "/api/v1/keys", "/api/v1/break_glass"
NEEDED = (403, "tenancy.needs_break_glass")


@pytest.fixture
def alice(acme):
    """A principal with a private memory, and one for a group."""
    row = principal_of(acme, "alice", group_of(acme, "sales"))
    key = key_of(acme, row)
    key.store("alice alone", visible_to={"principal": "alice"})
    key.store("sales alone", visible_to={"groups": ["sales"]})
    return key


def error_of(response):
    return response.status_code, response.json().get("code")


def key_id(caller):
    found = [each for each in caller.get(KEYS).json()["results"] if each["prefix"] in caller.token]
    return found[0]["id"]


def test_key_for_another_principal_needs_a_break_glass(acme, alice):
    manager = key_of(acme, principal_of(acme, "manager"))
    asked = {"name": "spare", "scopes": ["memory:read"], "principal": "alice"}
    rotation = f"{KEYS}/{key_id(alice)}/rotate"
    for caller in (acme, manager):
        assert error_of(caller.post(KEYS, asked)) == NEEDED
        assert error_of(caller.post(rotation, {})) == NEEDED
    # somebody else's break-glass, or one for somebody else, opens nothing
    open_glass(acme, principal="alice")
    open_glass(manager, principal="manager")
    open_glass(manager, group="sales")
    assert error_of(manager.post(KEYS, asked)) == NEEDED
    assert len(acme.get(KEYS).json()["results"]) == 3

    made = acme.post(KEYS, asked)
    assert (made.status_code, made.json()["principal"]) == (201, "alice")
    rotated = acme.post(rotation, {})
    assert rotated.status_code == 201
    spare = replace(acme, token=rotated.json()["token"])
    assert len(spare.get("/api/v1/memories").json()["results"]) == 2


def test_the_record_and_the_event_name_principal_actor_and_break_glass(acme, alice):
    glass = open_glass(acme, principal="alice")
    acme.post(KEYS, {"scopes": ["memory:read"], "principal": "alice"})
    [listed] = acme.get("/api/v1/decisions?operation=api_key.create&limit=1").json()["results"]
    shown = acme.get(f"/api/v1/decisions/{listed['id']}").json()
    assert (shown["risk_class"], shown["inputs"]["break_glass"]) == ("high", glass)
    assert (shown["inputs"]["principal"], "for alice" in shown["reasoning"]) == ("alice", True)
    with tenant_transaction(acme.organisation):
        event = OutboxEvent.objects.filter(type="liftos.api_key.create").latest("id").data
    assert event["principal_id"] == acme.get("/api/v1/principals/alice").json()["id"]
    assert (event["actor_kind"], event["actor_id"]) == ("api_key", key_id(acme))


def test_an_ended_break_glass_opens_nothing(acme, alice):
    glass = open_glass(acme, principal="alice")
    assert acme.delete(f"{GLASS}/{glass}").status_code == 204
    assert error_of(acme.post(KEYS, {"principal": "alice"})) == NEEDED


def test_none_is_needed_for_oneself_nor_while_there_is_nothing_to_see(acme, alice):
    assert alice.post(KEYS, {"principal": "alice"}).status_code == 201
    assert alice.post(f"{KEYS}/{key_id(alice)}/rotate", {}).status_code == 201
    service = key_of(acme, principal_of(acme, "service"), scopes=ALL_SCOPES | {Scope.ACT_AS})
    assert service.post(KEYS, {"principal": "alice"}).status_code == 201
    acme.post("/api/v1/principals", {"name": "new"})
    made = acme.post(KEYS, {"principal": "new"})
    assert made.status_code == 201
    assert acme.post(f"{KEYS}/{made.json()['id']}/rotate", {}).status_code == 201
    # a group in use counts, even for a principal without anything of its own
    acme.post("/api/v1/principals", {"name": "colleague", "groups": ["sales"]})
    assert error_of(acme.post(KEYS, {"principal": "colleague"})) == NEEDED
    # who is in the group sees it anyway
    assert alice.post(KEYS, {"principal": "colleague"}).status_code == 201
    # an erased memory, or a run, was private too
    own = replace(acme, token=made.json()["token"])
    own.delete(f"/api/v1/memories/{own.store('mine', visible_to={'principal': 'new'})}")
    assert error_of(acme.post(KEYS, {"principal": "new"})) == NEEDED


def test_nobody_joins_a_group_in_use_alone(acme, alice):
    mallory = key_of(acme, principal_of(acme, "mallory"))
    group = "/api/v1/groups/sales/members"
    assert error_of(mallory.post(group, {"members": ["mallory"]})) == NEEDED
    assert error_of(mallory.put(f"{group}/mallory", None)) == NEEDED
    assert acme.get("/api/v1/groups/sales").json()["members"] == ["alice"]
    # others may be added, and oneself to what is new
    principal_of(acme, "carol")
    assert mallory.put(f"{group}/carol", None).status_code == 200
    assert mallory.post("/api/v1/groups", {"name": "mine", "members": ["mallory"]}).status_code == 201
    open_glass(mallory, group="sales")
    assert mallory.put(f"{group}/mallory", None).status_code == 200
    [added] = mallory.get("/api/v1/decisions?operation=group.add_member&limit=1").json()["results"]
    assert added["risk_class"] == "high"


def test_private_memories_are_handed_over_under_break_glass_alone(acme, alice):
    principal_of(acme, "bob")
    path = "/api/v1/principals/alice?memories=transfer:bob"
    assert error_of(acme.delete(path)) == NEEDED
    assert acme.get("/api/v1/principals/alice").status_code == 200
    open_glass(acme, principal="alice")
    assert acme.delete(path).json()["outcome"] == "transferred"


def test_names_that_open_something_are_changed_under_break_glass_alone(acme, alice, settings):
    rename = ("/api/v1/principals/alice", {"name": "mallory"})
    settings.LIFTOS_USER_IS_PRINCIPAL = True
    assert error_of(acme.patch(*rename)) == NEEDED
    assert acme.patch("/api/v1/principals/alice", {"kind": "agent"}).status_code == 200
    settings.LIFTOS_USER_IS_PRINCIPAL = False
    settings.LIFTOS_OIDC_ISSUERS = {
        "corp": {
            "issuer": "https://i.example",
            "audience": "a",
            "organisation": acme.slug,
            "groups_claim": "g",
        }
    }
    assert error_of(acme.patch(*rename)) == NEEDED
    assert error_of(acme.patch("/api/v1/groups/sales", {"name": "mine"})) == NEEDED
    settings.LIFTOS_OIDC_ISSUERS = {}
    assert acme.patch(*rename).status_code == 200
    assert acme.patch("/api/v1/groups/sales", {"name": "mine"}).status_code == 200


def test_operators_need_none(acme, alice, capsys):
    call_command(
        "create_api_key", acme.slug, "--principal", "alice", "--groups", "sales", "--scopes", "act_as"
    )
    assert "liftos_" in capsys.readouterr().out


def test_admin_gives_no_key_of_a_principal_nor_act_as_nor_ones_own_groups(acme, alice):
    user = User.objects.create_user("owner", is_staff=True)
    with tenant_transaction(acme.organisation):
        Membership.objects.create(
            user=user, organisation_id=acme.organisation, role="owner", principal=principal_of(acme, "olga")
        )
        sales = acme.get("/api/v1/groups/sales").json()["id"]
        olga = acme.get("/api/v1/principals/olga").json()["id"]
    client = Client()
    client.force_login(user)
    form = client.get("/admin/tenancy/apikey/add/").content.decode()
    assert ('value="act_as"' in form, 'name="principal"' in form) == (False, False)
    refused = client.post("/admin/tenancy/apikey/add/", {"name": "k", "scopes": ["act_as"]})
    assert (refused.status_code, "not one of the available choices" in refused.content.decode()) == (
        200,
        True,
    )
    pages = {
        f"/admin/tenancy/group/{sales}/change/": {"name": "sales", "people": "alice, olga"},
        f"/admin/tenancy/principalrecord/{olga}/change/": {
            "name": "olga", "kind": "person", "belongs_to": "sales",
        },
    }  # fmt: skip
    for page, sent in pages.items():
        refused = client.post(page, sent)
        assert (refused.status_code, "open a break-glass" in refused.content.decode()) == (200, True), page
    assert acme.get("/api/v1/groups/sales").json()["members"] == ["alice"]
    glass = {"whose": "sales", "reason": "Covering for a colleague.", "minutes": 5}
    assert client.post("/admin/tenancy/breakglass/add/", glass).status_code == 302
    for page, sent in pages.items():
        assert client.post(page, sent).status_code == 302
    assert acme.get("/api/v1/groups/sales").json()["members"] == ["alice", "olga"]
