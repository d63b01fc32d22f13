"""The admin shows a memory's history and corrects it through the operations."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from memory.models import Erasure, Memory


@pytest.fixture
def staff(acme):
    user = User.objects.create_user("ann", password="x", is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(user)
    client.get(f"/admin/?_organisation={acme.slug}")
    return client


def press(staff, memory, how, reason="because"):
    return staff.post(f"/admin/memory/memory/{memory}/correct/{how}/", {"reason": reason}, follow=True)


def state(acme, memory):
    return acme.get(f"/api/v1/memories/{memory}").json()["state"]


def test_versions_and_their_reasons_are_shown(acme, staff):
    memory = acme.store("The shop opens at nine")
    acme.post(f"/api/v1/memories/{memory}/contest", {"reason": "the sign says ten"})
    page = staff.get(f"/admin/memory/memory/{memory}/change/").content.decode()
    assert "the sign says ten" in page
    assert "memory.contest" in page
    assert f"/admin/memory/memory/{memory}/correct/reject/" in page
    assert page.count('name="reason"') == 1


@pytest.mark.parametrize(
    ("how", "becomes"), [("contest", "contested"), ("reject", "rejected"), ("confirm", "active")]
)
def test_a_button_is_an_operation_on_record(acme, staff, how, becomes):
    memory = acme.store("The shop opens at nine")
    assert press(staff, memory, how).status_code == 200
    assert state(acme, memory) == becomes
    with tenant_transaction(acme.organisation):
        record = DecisionRecord.objects.get(operation=f"memory.{how}", subject_id=memory)
    assert (record.actor_kind, record.actor_id) == ("staff", "ann")


def test_a_rejection_is_taken_back_by_staff(acme, staff):
    memory = acme.store("The shop opens at nine")
    press(staff, memory, "reject")
    assert acme.post("/api/v1/memories", {"content": "The shop opens at nine"}).status_code == 409
    press(staff, memory, "confirm")
    assert acme.post("/api/v1/memories", {"content": "The shop opens at nine"}).status_code == 201


def test_erasing_leads_to_the_receipt(acme, staff):
    memory = acme.store("The shop opens at nine")
    page = press(staff, memory, "erase").content.decode()
    assert acme.get(f"/api/v1/memories/{memory}").status_code == 404
    with tenant_transaction(acme.organisation):
        assert str(Erasure.objects.get().id) in page
    assert "opens at nine" not in page


def test_what_the_state_forbids_is_said(acme, staff):
    memory = acme.store("The shop opens at nine")
    press(staff, memory, "reject")
    assert "can&#x27;t be contested" in press(staff, memory, "contest").content.decode()


def test_an_earlier_text_is_not_listed_as_a_memory(acme, staff):
    memory = acme.store("Before it was changed")
    acme.client.patch(
        f"/api/v1/memories/{memory}",
        '{"content": "After it was changed"}',
        content_type="application/json",
        headers={"authorization": f"Bearer {acme.token}", "if-match": "*"},
    )
    page = staff.get("/admin/memory/memory/").content.decode()
    assert "After it was changed" in page
    assert "Before it was changed" not in page


def test_who_may_only_look_has_no_buttons(acme):
    user = User.objects.create_user("bob", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_memory"))
    from liftos.kernel.tenancy.models import Membership

    Membership.objects.create(user=user, organisation_id=acme.organisation)
    client = Client()
    client.force_login(user)
    memory = acme.store("The shop opens at nine")
    page = client.get(f"/admin/memory/memory/{memory}/change/")
    assert page.status_code == 200
    assert "correct/reject" not in page.content.decode()
    for how in ("reject", "erase"):
        assert client.post(f"/admin/memory/memory/{memory}/correct/{how}/", {}).status_code == 403
    assert state(acme, memory) == "active"


def test_anothers_memory_stays(acme, rival, staff):
    theirs = rival.store("Theirs")
    for how in ("contest", "reject", "erase"):
        press(staff, theirs, how)
    assert state(rival, theirs) == "active"
    with tenant_transaction(acme.organisation):
        assert Memory.objects.count() == 0


def test_a_correction_is_never_a_get(acme, staff):
    memory = acme.store("x")
    assert staff.get(f"/admin/memory/memory/{memory}/correct/erase/").status_code == 405
    assert state(acme, memory) == "active"


def listed(page):
    return [str(each.pk) for each in page.context["cl"].result_list]


def test_memories_are_found_as_callers_find_them_and_on_record(acme, staff):
    shop = acme.store("The shop opens at nine")
    boat = acme.store("The ferry leaves from the north pier")
    page = staff.get("/admin/memory/memory/", {"q": "when does the boat sail"})
    assert listed(page)[0] == boat
    assert listed(staff.get("/admin/memory/memory/", {"q": "opening hours of the shop"}))[0] == shop
    assert listed(staff.get("/admin/memory/memory/", {"q": shop})) == [shop]
    assert listed(staff.get("/admin/memory/memory/", {"q": "boat", "state": "rejected"})) == []
    with tenant_transaction(acme.organisation):
        asked = DecisionRecord.objects.filter(operation="memory.search", actor_kind="staff", actor_id="ann")
        assert asked.count() == 3  # an id itself is looked up, not searched for


@pytest.mark.parametrize("term", [" ", "\N{GRINNING FACE}" * 40, "a" * 5_000, "' OR 1=1 --", "%", '"'])
def test_any_term_is_answered(acme, staff, term):
    acme.store("The shop opens at nine")
    assert staff.get("/admin/memory/memory/", {"q": term}).status_code == 200


def test_a_term_with_nul_is_refused(acme, staff):
    assert staff.get("/admin/memory/memory/", {"q": "\x00"}).status_code == 400


def test_a_memory_shows_the_decisions_on_it_and_from_it(acme, staff):
    memory, other = acme.store("The shop opens at nine"), acme.store("The ferry leaves at ten")
    acme.post(f"/api/v1/memories/{memory}/contest", {"reason": "the sign says ten"})
    found = acme.post("/api/v1/search", {"query": "when does the shop open", "limit": 1}).json()
    own = acme.post("/api/v1/decisions", {"operation": "o", "reasoning": "r", "memories": [memory]}).json()
    page = staff.get(f"/admin/memory/memory/{memory}/change/").content.decode()
    for operation in ("memory.store", "memory.contest", "memory.search", ">o<"):
        assert operation in page
    assert page.count(f"{found['decision_id']}/change/") == 1
    assert page.count(f"{own['id']}/change/") == 1
    assert own["id"] not in staff.get(f"/admin/memory/memory/{other}/change/").content.decode()


def test_the_policy_for_derived_memories_is_set_on_record_and_followed(acme, staff):
    add = "/admin/memory/derivedpolicy/add/"
    assert staff.post(add, {"policy": "burn"}).status_code == 200
    assert staff.post(add, {"policy": "hide"}).status_code == 302
    assert acme.get("/api/v1/memories/derived-policy").json()["policy"] == "hide"
    change = f"/admin/memory/derivedpolicy/{acme.organisation}/change/"
    assert staff.get(add).url == change
    source = acme.store("Boots sell in rain")
    child = acme.store("Buy boots", derived_from=[source])
    page = press(staff, source, "reject").content.decode()
    assert "Derived memories hidden: 1." in page
    assert state(acme, child) == "candidate"
    assert staff.post(change, {"policy": "contest"}).status_code == 302
    other = acme.store("Snow is cold")
    second = acme.store("Wear a coat", derived_from=[other])
    page = press(staff, other, "erase").content.decode()
    assert "Derived memories contested: 1." in page
    assert state(acme, second) == "contested"
    with tenant_transaction(acme.organisation):
        records = DecisionRecord.objects.filter(operation="memory.derived_policy")
        assert {(each.actor_kind, each.actor_id) for each in records} == {("staff", "ann")}
        assert records.count() == 2


def test_the_policy_for_rejected_values_in_texts_is_set_on_record_and_followed(acme, staff):
    add = "/admin/memory/rejectionpolicy/add/"
    assert staff.post(add, {"policy": "burn"}).status_code == 200
    assert staff.post(add, {"policy": "refuse"}).status_code == 302
    assert acme.get("/api/v1/memories/rejection-policy").json()["policy"] == "refuse"
    change = f"/admin/memory/rejectionpolicy/{acme.organisation}/change/"
    assert staff.get(add).url == change
    memory = acme.store("The shop opens at nine")
    press(staff, memory, "reject")
    text = {"content": "The sign says: the shop opens at nine."}
    assert acme.post("/api/v1/memories", text).status_code == 409
    assert staff.post(change, {"policy": "flag"}).status_code == 302
    flagged = acme.post("/api/v1/memories", text).json()
    assert flagged["state"] == "candidate"
    assert (
        flagged["rejection"]["decision_id"]
        in staff.get(f"/admin/memory/memory/{flagged['id']}/change/").content.decode()
    )
    with tenant_transaction(acme.organisation):
        records = DecisionRecord.objects.filter(operation="memory.rejection_policy")
        assert {(each.actor_kind, each.actor_id) for each in records} == {("staff", "ann")}
        assert records.count() == 2


def test_the_policy_for_secrets_is_set_on_record_and_followed(acme, staff):
    add = "/admin/memory/secretspolicy/add/"
    assert staff.post(add, {"policy": "burn"}).status_code == 200
    assert staff.post(add, {"policy": "refuse"}).status_code == 302
    assert acme.get("/api/v1/memories/secrets-policy").json()["policy"] == "refuse"
    refused = acme.post("/api/v1/memories", {"content": "key AKIA" + "IOSFODNN7QXAMPLE"})
    assert (refused.status_code, refused.json()["code"]) == (422, "memory.secret_refused")
    change = f"/admin/memory/secretspolicy/{acme.organisation}/change/"
    assert staff.get(add).url == change
    assert staff.post(change, {"policy": "allow"}).status_code == 302
    with tenant_transaction(acme.organisation):
        records = DecisionRecord.objects.filter(operation="memory.secrets_policy")
        assert {(each.actor_kind, each.actor_id) for each in records} == {("staff", "ann")}
        assert records.count() == 2


def test_the_policy_for_erasures_is_set_on_record(acme, staff):
    add = "/admin/memory/erasurepolicy/add/"
    assert staff.post(add, {"scrub_quotes": "on", "refuse_erased_ids": "sometimes"}).status_code == 200
    assert staff.post(add, {"scrub_quotes": "", "refuse_erased_ids": "always"}).status_code == 302
    policy = acme.get("/api/v1/memories/erasure-policy").json()
    assert (policy["scrub_quotes"], policy["refuse_erased_ids"]) == (False, "always")
    with tenant_transaction(acme.organisation):
        [record] = DecisionRecord.objects.filter(operation="memory.erasure_policy")
        assert (record.actor_kind, record.actor_id) == ("staff", "ann")
