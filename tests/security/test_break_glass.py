"""Private text is read by an administrator under a recorded break-glass only, and nothing is written under it."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.outbox.models import OutboxEvent
from liftos.kernel.tenancy.models import BreakGlass, Membership
from liftos.kernel.tenancy.types import Scope
from tests.factories.keys import with_key
from tests.factories.principals import group_of, key_of, principal_of

URL = "/api/v1/break_glass"
REASON = "Legal request 17 of 2026"
ASKED = {"principal": "bob", "reason": REASON, "minutes": 30}


@pytest.fixture
def bob(acme):
    return key_of(
        acme, principal_of(acme, "bob", group_of(acme, "sales")), scopes=frozenset(Scope) - {Scope.ADMIN}
    )


@pytest.fixture
def owned(bob):
    """A memory that only bob sees, and one of his group."""
    return (
        bob.store("Bob's quetzalcoatlus", visible_to={"principal": "bob"}),
        bob.store("Sales' quetzalcoatlus", visible_to={"groups": ["sales"]}),
    )


def get(caller, path, glass=""):
    more = {"x-break-glass": glass} if glass else {}
    return caller.client.get(path, headers={"authorization": f"Bearer {caller.token}", **more})


def decisions(caller, operation):
    with tenant_transaction(caller.organisation):
        return list(
            DecisionRecord.objects.filter(operation=operation).select_related("payload").order_by("id")
        )


def test_opens_reading_to_its_opener_on_record(acme, bob, owned):
    page = f"/api/v1/memories/{owned[0]}"
    assert get(acme, page).status_code == 404
    made = acme.post(URL, ASKED)
    assert made.status_code == 201
    glass = made.json()["id"]
    assert (made.json()["principal"], made.json()["reason"], made.json()["ended_at"]) == ("bob", REASON, None)
    # not without naming it; and what a group sees is another thing
    assert get(acme, page).status_code == 404
    assert get(acme, page, glass).json()["content"] == "Bob's quetzalcoatlus"
    assert get(acme, f"/api/v1/memories/{owned[1]}", glass).status_code == 404
    headers = {"authorization": f"Bearer {acme.token}", "x-break-glass": glass}
    found = acme.client.post(
        "/api/v1/search", {"query": "quetzalcoatlus"}, "application/json", headers=headers
    )
    assert owned[0] in found.content.decode()
    # reading only
    for method, path in (
        ("delete", page),
        ("post", "/api/v1/memories"),
        ("post", URL),
        ("post", f"{page}/contest"),
    ):
        answer = getattr(acme.client, method)(path, {}, "application/json", headers=headers)
        assert answer.status_code == 403, path
    # everybody who reads decisions, bob too, sees who opened what, why and how long, and what was read
    for reader in (acme, bob):
        opened, used = decisions(reader, "break_glass.open"), decisions(reader, "break_glass.use")
        assert [each.payload.values["reasoning"].endswith(REASON) for each in opened] == [True]
        assert (opened[0].scope_id, opened[0].risk_class, opened[0].subject_kind) == (0, "high", "principal")
        assert opened[0].payload.values["inputs"]["until"] == made.json()["until"].replace("Z", "+00:00")
        assert used[0].payload.values["inputs"]["ids"] == {"memory": owned[0]}
        assert len(used) == 7
    listed = get(bob, URL).json()["results"]
    assert [each["id"] for each in listed] == [glass]
    assert get(bob, f"{URL}/{glass}").json()["reason"] == REASON
    with tenant_transaction(acme.organisation):
        assert OutboxEvent.objects.get(type="liftos.break_glass.opened").data["principal_id"]
    # others are told nothing of it by the list, and may not use it
    carol = key_of(acme, principal_of(acme, "carol"), scopes=frozenset(Scope) - {Scope.ADMIN})
    assert get(carol, URL).json()["results"] == []
    assert get(carol, f"{URL}/{glass}").status_code == 404
    for other in (carol, with_key(acme, *Scope)[0]):
        assert get(other, page, glass).json()["code"] == "tenancy.no_break_glass"


def test_ends_in_time_or_at_once(acme, bob, owned):
    page = f"/api/v1/memories/{owned[0]}"
    glass = acme.post(URL, ASKED).json()["id"]
    with tenant_transaction(acme.organisation):
        past = timezone.now() - timedelta(minutes=5)
        BreakGlass.objects.filter(id=glass).update(opened_at=past - timedelta(minutes=1), until=past)
    assert get(acme, page, glass).status_code == 403
    glass = acme.post(URL, ASKED | {"principal": None, "group": "sales"}).json()["id"]
    assert get(acme, f"/api/v1/memories/{owned[1]}", glass).status_code == 200
    assert get(acme, page, glass).status_code == 404
    assert acme.delete(f"{URL}/{glass}").status_code == 204
    assert acme.delete(f"{URL}/{glass}").status_code == 204
    assert get(acme, f"/api/v1/memories/{owned[1]}", glass).status_code == 403
    assert len(decisions(acme, "break_glass.end")) == 1
    # a member of the group sees it, too
    assert glass in {each["id"] for each in get(bob, URL).json()["results"]}


def test_bad_requests_are_refused(acme, bob, rival, settings):
    settings.LIFTOS_BREAK_GLASS_MINUTES = 60
    for body, field in (
        ({"principal": "bob"}, "reason"),
        (ASKED | {"reason": "   short   "}, "reason"),
        (ASKED | {"minutes": 61}, "minutes"),
        (ASKED | {"minutes": 0}, "minutes"),
        (ASKED | {"group": "sales"}, "principal"),
        ({"reason": REASON}, "principal"),
        (ASKED | {"until": "2030-01-01"}, "until"),
    ):
        answer = acme.post(URL, body)
        assert answer.status_code == 422, body
        assert field in answer.content.decode()
    assert acme.post(URL, ASKED | {"principal": "nobody"}).status_code == 404
    assert bob.post(URL, ASKED).status_code == 403
    glass = acme.post(URL, ASKED).json()["id"]
    assert get(rival, f"{URL}/{glass}").status_code == 404
    for named in ("", "x", "a,b", glass.upper(), "00000000-0000-0000-0000-000000000000"):
        answer = acme.client.get(
            "/api/v1/memories", headers={"authorization": f"Bearer {acme.token}", "x-break-glass": named}
        )
        assert answer.status_code in (400, 403), named
    headers = {"authorization": f"Bearer {acme.token}", "x-break-glass": glass, "x-act-as": "bob"}
    assert acme.client.get("/api/v1/memories", headers=headers).status_code == 403
    assert get(rival, "/api/v1/memories", glass).status_code == 403


def test_owners_open_it_in_the_admin(acme, bob, owned):
    user = User.objects.create_user("ann", is_staff=True)
    Membership.objects.create(user=user, organisation_id=acme.organisation, role="owner")
    client, page = Client(), f"/admin/memory/memory/{owned[0]}/change/"
    client.force_login(user)
    assert client.get(page).status_code == 302
    open_to_all = acme.store("Everybody's")
    buttons = client.get(f"/admin/memory/memory/{open_to_all}/change/").content.decode()
    assert "/correct/" in buttons
    add = "/admin/tenancy/breakglass/add/"
    assert (
        "at least 10 characters"
        in client.post(add, {"whose": "bob", "reason": "x", "minutes": 5}).content.decode()
    )
    assert (
        "No principal or group"
        in client.post(add, {"whose": "bo", "reason": REASON, "minutes": 5}).content.decode()
    )
    assert "At most" in client.post(add, {"whose": "bob", "reason": REASON, "minutes": 9999}).content.decode()
    assert client.post(add, {"whose": "bob", "reason": REASON, "minutes": 5}).status_code == 302
    assert "quetzalcoatlus" in client.get(page).content.decode()
    used = [each for each in decisions(bob, "break_glass.use") if each.payload.values["inputs"]["ids"]]
    assert used[-1].payload.values["inputs"]["ids"] == {"object_id": owned[0]}
    assert used[-1].actor_id == "ann"
    # neither is anything there to change it by, in lists and on pages
    for each in (page, f"/admin/memory/memory/{open_to_all}/change/", "/admin/memory/memory/"):
        shown = client.get(each).content.decode()
        assert not re.findall(r'formaction="|type="submit"[^>]*name="_|name="action"', shown), each
    assert "/correct/" not in client.get(page).content.decode()
    assert client.get("/admin/memory/memory/add/").status_code == 403
    # what it opens is not changed by it
    client.post(f"/admin/memory/memory/{owned[0]}/correct/erase/", {"reason": "x"})
    assert get(bob, f"/api/v1/memories/{owned[0]}").status_code == 200
    listed = "/admin/tenancy/breakglass/"
    assert REASON in client.get(listed).content.decode()
    # it ends with the right, and by the action
    Membership.objects.filter(user=user).update(role="curator")
    assert client.get(page).status_code == 302
    assert client.get(add).status_code == 403
    Membership.objects.filter(user=user).update(role="owner")
    assert client.get(page).status_code == 200
    with tenant_transaction(acme.organisation):
        glass = BreakGlass.objects.get()
    client.post(listed, {"action": "end", "_selected_action": [str(glass.id)]})
    assert client.get(page).status_code == 302
    other = User.objects.create_user("root", is_staff=True, is_superuser=True)
    client.force_login(other)
    assert client.get(page).status_code == 302
