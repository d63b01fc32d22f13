"""Roles apply only in the open organisation; password guessing is blocked."""

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.models import ApiKey, Membership, Organisation
from tests.conftest import make_caller


@pytest.fixture
def two(committed_db):
    return make_caller("First"), make_caller("Second")


def signed_in(name, **roles):
    user = User.objects.create_user(name, password="x", is_staff=True)
    for slug, role in roles.items():
        Membership.objects.create(user=user, organisation=Organisation.objects.get(slug=slug), role=role)
    client = Client()
    client.force_login(user)
    return client


def test_a_role_ends_at_the_organisation(two):
    client = signed_in("ann", first="owner", second="auditor")
    client.get("/admin/?_organisation=first")
    assert client.get("/admin/tenancy/apikey/add/").status_code == 200
    client.get("/admin/?_organisation=second")
    assert client.get("/admin/tenancy/apikey/add/").status_code == 403
    assert client.get("/admin/tenancy/apikey/").status_code == 200


def test_non_member_sees_nothing(two):
    client = signed_in("ann")
    assert client.get("/admin/memory/memory/").status_code == 403
    assert client.get("/admin/accountability/reviewcase/").status_code == 403


@pytest.mark.parametrize("role", ["auditor", "reviewer"])
def test_read_only_role_writes_nothing(two, role):
    memory = two[0].store("stays")
    client = signed_in("ann", first=role)
    for page in ("memory/memory", "accountability/decisionrecord", "tenancy/apikey", "tenancy/membership"):
        assert client.get(f"/admin/{page}/").status_code == 200
    assert client.post(f"/admin/memory/memory/{memory}/correct/reject/", {}).status_code == 403
    assert client.post("/admin/tenancy/apikey/add/", {"scopes": ["admin"]}).status_code == 403
    with tenant_transaction(two[0].organisation):
        key = ApiKey.objects.get()
    client.post("/admin/tenancy/apikey/", {"action": "revoke", "_selected_action": [str(key.id)]})
    assert two[0].get("/api/v1/memories").status_code == 200
    assert client.get("/admin/auth/user/").status_code == 403


def test_curator_corrects_memories_but_creates_no_keys(two):
    memory = two[0].store("goes")
    client = signed_in("ann", first="curator")
    assert client.post(f"/admin/memory/memory/{memory}/correct/reject/", {"reason": "r"}).status_code == 302
    assert two[0].get(f"/api/v1/memories/{memory}").json()["state"] == "rejected"
    assert client.get("/admin/tenancy/apikey/add/").status_code == 403


def test_an_owner_has_members_in_their_own_organisation_only(two):
    owner = signed_in("olga", first="owner")
    User.objects.create_user("bob", is_staff=True)
    form = {"username": "bob", "role": "reviewer", "organisation": str(two[1].organisation)}
    assert owner.post("/admin/tenancy/membership/add/", form).status_code == 302
    made = Membership.objects.get(user__username="bob")
    assert (made.organisation_id, made.role) == (two[0].organisation, "reviewer")
    assert "already a member" in owner.post("/admin/tenancy/membership/add/", form).content.decode()
    foreign = Membership.objects.create(
        user=User.objects.create_user("mallory", is_staff=True),
        organisation_id=two[1].organisation,
        role="owner",
    )
    assert "mallory" not in owner.get("/admin/tenancy/membership/").content.decode()
    assert owner.post(f"/admin/tenancy/membership/{foreign.pk}/delete/", {"post": "yes"}).status_code == 302
    assert Membership.objects.filter(pk=foreign.pk).exists()
    change = f"/admin/tenancy/membership/{made.pk}/change/"
    assert owner.post(change, {"role": "curator", "user": foreign.user_id}).status_code == 302
    made.refresh_from_db()
    assert (made.role, made.user.username) == ("curator", "bob")
    with tenant_transaction(two[0].organisation):
        assert (
            DecisionRecord.objects.filter(operation__startswith="admin.", subject_kind="membership").count()
            == 2
        )
    assert "Second" not in owner.get("/admin/tenancy/organisation/").content.decode()


def test_a_role_is_one_of_the_known(two):
    user = User.objects.create_user("ann", is_staff=True)
    assert Membership(user=user, organisation_id=two[0].organisation).role == "auditor"
    with pytest.raises(IntegrityError, match="membership_role_known"), transaction.atomic():
        Membership.objects.create(user=user, organisation_id=two[0].organisation, role="king")


def test_a_key_may_be_made_for_a_role(two, capsys):
    call_command("create_api_key", "first", "--role", "reviewer", "--json")
    assert '"decisions:review"' in capsys.readouterr().out
    with pytest.raises(CommandError, match="mutually exclusive"):
        call_command("create_api_key", "first", "--role", "owner", "--scopes", "memory:read")


def test_admin_pages_have_a_csp_and_are_not_cached(two):
    answer = signed_in("ann", first="auditor").get("/admin/memory/memory/")
    policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe-inline" not in policy["script-src"]
    assert "no-store" in answer["Cache-Control"]
    assert "Content-Security-Policy" in Client().get("/admin/login/")


def test_repeated_failed_sign_ins_are_blocked(two, settings):
    signed_in("ann", first="auditor")

    def sign_in(password, address="10.0.0.1"):
        form = {"username": "ann", "password": password}
        return Client(REMOTE_ADDR=address).post("/admin/login/", form).status_code

    for _ in range(settings.AXES_FAILURE_LIMIT - 1):
        assert sign_in("wrong") == 200
    assert sign_in("wrong") == 429
    assert sign_in("x") == 429
    # guessing from one place does not shut the person out at another
    assert sign_in("x", "10.0.0.2") == 302
