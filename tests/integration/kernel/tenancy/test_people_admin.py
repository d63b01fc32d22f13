"""Principals, groups and their members in the admin: one form each, every change by its operation, on record."""

from django.contrib.auth.models import User
from django.test import Client

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.models import Group, Membership, PrincipalRecord
from tests.factories.principals import group_of, key_of, principal_of


def signed_in(acme, role="owner"):
    user = User.objects.create_user(role, is_staff=True)
    Membership.objects.create(user=user, organisation_id=acme.organisation, role=role)
    client = Client()
    client.force_login(user)
    return client


def groups(acme):
    with tenant_transaction(acme.organisation):
        rows = Group.objects.prefetch_related("members__principal")
        return {each.name: sorted(member.principal.name for member in each.members.all()) for each in rows}


def operations(acme):
    with tenant_transaction(acme.organisation):
        found = (
            DecisionRecord.objects.filter(actor_kind="staff").exclude(operation="admin.enter").order_by("id")
        )
        return [each.operation for each in found]


def test_principals_and_groups_are_made_and_changed_by_one_form(acme):
    client = signed_in(acme)
    add = {"principal": "/admin/tenancy/principalrecord/add/", "group": "/admin/tenancy/group/add/"}
    assert client.post(add["group"], {"name": "sales", "people": ""}).status_code == 302
    assert (
        client.post(add["principal"], {"name": "ann", "kind": "person", "belongs_to": "sales"}).status_code
        == 302
    )
    assert (
        client.post(add["principal"], {"name": "bot", "kind": "agent", "belongs_to": ""}).status_code == 302
    )
    assert client.post(add["group"], {"name": "legal", "people": "ann\r\nbot, ann"}).status_code == 302
    assert groups(acme) == {"sales": ["ann"], "legal": ["ann", "bot"]}
    with tenant_transaction(acme.organisation):
        legal, ann = Group.objects.get(name="legal"), PrincipalRecord.objects.get(name="ann")
    page = f"/admin/tenancy/group/{legal.id}/change/"
    assert "ann\nbot" in client.get(page).content.decode()
    assert client.post(page, {"name": "law", "people": "bot"}).status_code == 302
    page = f"/admin/tenancy/principalrecord/{ann.id}/change/"
    assert client.post(page, {"name": "anna", "kind": "person", "belongs_to": "law"}).status_code == 302
    assert groups(acme) == {"sales": [], "law": ["anna", "bot"]}
    assert operations(acme) == [
        "group.create", "principal.create", "group.add_member", "principal.create", "group.create", "group.add_member",
        "group.add_member", "group.rename", "group.remove_member", "principal.change", "group.add_member", "group.remove_member",
    ]  # fmt: skip


def test_bad_names_are_shown_in_the_form(acme):
    client = signed_in(acme)
    principal_of(acme, "ann")
    add = "/admin/tenancy/principalrecord/add/"
    for name, groups_, text in (
        ("ann", "", "This name is taken"),
        ("01a2227a-e2dd-7781-854d-775402c5b988", "", "must not be a UUID"),
        ("bob", "nowhere", "No group has that name"),
    ):
        answer = client.post(add, {"name": name, "kind": "person", "belongs_to": groups_})
        assert (answer.status_code, text in answer.content.decode()) == (200, True), name
    assert operations(acme) == []


def test_page_shows_keys_and_counts_but_no_text(acme):
    ann = principal_of(acme, "ann", group_of(acme, "sales"))
    caller = key_of(acme, ann)
    for number in range(3):
        caller.store(f"quetzalcoatlus {number}", visible_to={"principal": "ann"})
    client = signed_in(acme, "auditor")
    page = client.get(f"/admin/tenancy/principalrecord/{ann.id}/change/").content.decode()
    assert "Memories that only it sees" in page
    assert ">3<" in "".join(page.split())
    assert "/admin/tenancy/apikey/" in page
    assert "quetzalcoatlus" not in page
    assert client.get("/admin/tenancy/group/add/").status_code == 403
    assert client.get("/admin/tenancy/breakglass/add/").status_code == 403
    assert client.get("/admin/tenancy/principalrecord/").status_code == 200
