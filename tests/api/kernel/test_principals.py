"""Principals, groups and keys over the API, and keys that act for a principal."""

import json
from dataclasses import replace
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from liftos.kernel.tenancy.types import ALL_SCOPES, Scope
from tests.conftest import make_caller
from tests.factories.keys import with_key
from tests.factories.principals import group_of, key_of, principal_of

ACTS = frozenset({Scope.MEMORY_READ, Scope.MEMORY_WRITE, Scope.ACT_AS})


@pytest.fixture
def alice(acme):
    return principal_of(acme, "alice", group_of(acme, "sales"))


def error_of(response):
    return response.status_code, response.json()["code"]


def with_token(caller, token):
    return replace(caller, token=token)


def command(caller, *args):
    out = StringIO()
    call_command("create_api_key", caller.slug, *args, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_group_has_members_and_a_principal_has_groups(acme):
    made = acme.post("/api/v1/principals", {"name": "alice", "kind": "agent"})
    assert (made.status_code, made.json()["kind"], made.json()["groups"]) == (201, "agent", [])
    group = acme.post("/api/v1/groups", {"name": "sales / north", "members": ["alice"]})
    assert (group.status_code, group.json()["members"]) == (201, ["alice"])
    assert acme.get("/api/v1/principals/alice").json()["groups"] == ["sales / north"]
    assert acme.get(f"/api/v1/principals/{made.json()['id']}").json()["name"] == "alice"
    listed = acme.get(f"/api/v1/principals?group={group.json()['id']}").json()["results"]
    assert [each["name"] for each in listed] == ["alice"]
    path = f"/api/v1/groups/{group.json()['id']}/members/alice"
    assert acme.delete(path).json()["members"] == []
    assert acme.put(path, None).json()["members"] == ["alice"]


def test_names_are_told_once_and_checked(acme, alice):
    assert error_of(acme.post("/api/v1/principals", {"name": "alice"})) == (409, "tenancy.principal_exists")
    assert error_of(acme.post("/api/v1/groups", {"name": "sales"})) == (409, "tenancy.group_exists")
    for name in ("", "  ", "a\nb", str(uuid4()), "x" * 201):
        refused = acme.post("/api/v1/principals", {"name": name})
        assert (refused.status_code, refused.json()["errors"][0]["loc"][-1]) == (422, "name"), name
    assert acme.post("/api/v1/principals", {"name": "bob", "groups": ["nobody"]}).status_code == 404
    assert acme.get("/api/v1/principals/bob").status_code == 404
    renamed = acme.patch("/api/v1/principals/alice", {"name": "alice b."})
    assert (renamed.status_code, renamed.json()["kind"]) == (200, "person")


def test_another_organisations_principals_and_keys_are_not_there(acme, alice):
    other = make_caller("Other")
    assert other.get(f"/api/v1/principals/{alice.id}").status_code == 404
    assert other.post("/api/v1/groups", {"name": "spies", "members": [str(alice.id)]}).status_code == 404
    key = acme.get("/api/v1/keys").json()["results"][0]["id"]
    assert other.delete(f"/api/v1/keys/{key}").status_code == 404
    assert other.post(f"/api/v1/keys/{key}/rotate", {}).status_code == 404


def test_only_administrators_change_the_directory(acme, alice):
    reader, _key = with_key(acme, Scope.MEMORY_READ)
    assert reader.get("/api/v1/groups").status_code == 200
    assert reader.post("/api/v1/groups", {"name": "mine"}).status_code == 403
    assert reader.get("/api/v1/keys").status_code == 403


def test_group_to_which_something_is_visible_stays(acme, alice):
    own = key_of(acme, alice)
    own.store("the northern price", visible_to={"groups": ["sales"]})
    assert error_of(acme.delete("/api/v1/groups/sales")) == (409, "tenancy.group_in_use")
    acme.post("/api/v1/groups", {"name": "empty"})
    assert acme.delete("/api/v1/groups/empty").status_code == 204
    assert acme.get("/api/v1/groups/empty").status_code == 404


def test_key_of_a_principal_is_made_rotated_and_revoked(acme, alice):
    made = acme.post("/api/v1/keys", {"name": "laptop", "scopes": ["memory:read"], "principal": "alice"})
    assert (made.status_code, made.json()["principal"]) == (201, "alice")
    own = with_token(acme, made.json()["token"])
    assert own.get("/api/v1/memories").status_code == 200
    path = f"/api/v1/keys/{made.json()['id']}"
    rotated = acme.post(f"{path}/rotate", {"overlap_seconds": 3600})
    assert (rotated.status_code, rotated.json()["principal"]) == (201, "alice")
    # both are valid, and the former one's caller is warned
    warned = own.get("/api/v1/memories")
    assert (warned.status_code, "X-Key-Expires" in warned) == (200, True)
    assert acme.get(path).json()["expires_soon"] is True
    successor = with_token(acme, rotated.json()["token"]).get("/api/v1/memories")
    assert (successor.status_code, "X-Key-Expires" in successor) == (200, False)
    assert acme.delete(path).status_code == 200
    assert own.get("/api/v1/memories").status_code == 401
    assert "token" not in json.dumps(acme.get("/api/v1/keys").json()).replace('"token": null', "")


def test_replay_never_shows_a_token(acme):
    sent = {"name": "once", "scopes": ["memory:read"]}
    first = acme.post("/api/v1/keys", sent, **{"Idempotency-Key": "k"})
    again = acme.post("/api/v1/keys", sent, **{"Idempotency-Key": "k"})
    assert again.json() == first.json() | {"token": None}


def test_key_gives_no_more_than_its_maker_has(acme):
    admin, _key = with_key(acme, Scope.ADMIN)
    refused = admin.post("/api/v1/keys", {"scopes": ["memory:read"]})
    assert (refused.status_code, "memory:read" in refused.json()["detail"]) == (403, True)
    assert admin.post("/api/v1/keys", {}).json()["scopes"] == ["admin"]
    assert acme.post("/api/v1/keys", {"scopes": ["act_as"]}).status_code == 403
    past = acme.post("/api/v1/keys", {"expires_at": "2020-01-01"})
    assert (past.status_code, past.json()["errors"][0]["loc"]) == (422, ["body", "expires_at"])


def test_service_sees_what_the_principal_sees_for_whom_it_acts(acme, alice):
    note = key_of(acme, alice).store("alice's note", visible_to={"principal": "alice"})
    service = key_of(acme, principal_of(acme, "gateway"), scopes=ACTS)
    own = service.store("the gateway's note", visible_to={"principal": "gateway"})
    seen = {
        (named, memory): service.get(f"/api/v1/memories/{memory}", **headers).status_code
        for named, headers in (
            ("", {}),
            ("alice", {"X-Act-As": "alice"}),
            ("id", {"X-Act-As": str(alice.id)}),
        )
        for memory in (note, own)
    }
    assert seen == {
        ("", note): 404, ("", own): 200, ("alice", note): 200, ("alice", own): 404, ("id", note): 200, ("id", own): 404,
    }  # fmt: skip


def test_acting_for_somebody_needs_the_right_and_a_principal(acme, alice):
    service = key_of(acme, principal_of(acme, "gateway"), scopes=ACTS)
    nobody = service.get("/api/v1/memories", **{"X-Act-As": "nobody"})
    plain = acme.get("/api/v1/memories", **{"X-Act-As": "alice"})
    assert (nobody.status_code, plain.status_code) == (403, 403)
    assert nobody.json()["detail"] == plain.json()["detail"]
    assert service.get("/api/v1/memories", **{"X-Act-As": "alice, bob"}).status_code == 400
    assert Scope.ACT_AS not in ALL_SCOPES


def test_user_header_is_a_claim_unless_the_setting_says_otherwise(acme, alice, settings):
    note = key_of(acme, alice).store("alice's note", visible_to={"principal": "alice"})
    service = key_of(acme, principal_of(acme, "gateway"), scopes=ACTS)
    path, claim = f"/api/v1/memories/{note}", {"x-user-id": "alice"}
    assert service.get(path, **claim).status_code == 404
    settings.LIFTOS_USER_IS_PRINCIPAL = True
    assert service.get(path, **claim).status_code == 200
    # without act_as it stays a claim
    assert acme.get(path, **claim).status_code == 404


def test_command_makes_what_is_not_there(acme):
    made = command(
        acme, "--principal", "bot", "--kind", "agent", "--groups", "sales,ops", "--scopes", "memory:read"
    )
    assert (made["principal"], made["groups"], made["scopes"]) == ("bot", ["sales", "ops"], ["memory:read"])
    found = acme.get("/api/v1/principals/bot").json()
    assert (found["kind"], found["groups"]) == ("agent", ["ops", "sales"])
    assert with_token(acme, made["api_key"]).get("/api/v1/memories").status_code == 200
    again = command(acme, "--principal", "bot", "--groups", "ops")
    assert again["id"] != made["id"]
    assert len(acme.get("/api/v1/principals").json()["results"]) == 1
    with pytest.raises(CommandError):
        command(acme, "--groups", "ops")
