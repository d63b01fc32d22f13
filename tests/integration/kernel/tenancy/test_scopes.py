"""Within an organisation, Postgres shows each principal's rows to whom they are visible."""

import psycopg
import pytest
from django.db import transaction

from liftos.kernel.db.transactions import raw_cursor, read_value, tenant_transaction
from liftos.kernel.db.viewers import EVERYBODY, Viewer, seeing_everything, viewing
from liftos.kernel.tenancy.authentication import _principal_of
from liftos.kernel.tenancy.models import GroupMember
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.principals import add_member, create_group, create_principal, remove_member
from liftos.kernel.tenancy.queries import viewer_of
from liftos.kernel.tenancy.rls import VISIBLE
from liftos.kernel.tenancy.scopes import scope_of_groups, scope_of_principal
from liftos.kernel.tenancy.types import SYSTEM, PrincipalKind
from tests.conftest import make_caller

IS_VISIBLE = f"SELECT {VISIBLE} FROM (VALUES (%s)) AS row (scope_id)"


@pytest.fixture
def acme(db):
    return make_caller("Acme").organisation


def principal(organisation, name):
    return create_principal(organisation=organisation, by=SYSTEM, name=name, kind=PrincipalKind.PERSON)


def group(organisation, name, *members):
    made = create_group(organisation=organisation, by=SYSTEM, name=name)
    for each in members:
        add_member(organisation=organisation, by=SYSTEM, group=made, principal=each)
    return made


def sees(organisation, viewer, scope):
    with viewing(viewer), tenant_transaction(organisation):
        return bool(read_value(IS_VISIBLE, [scope]))


def test_viewer_has_own_scope_and_those_of_its_groups(acme):
    alice, bob = principal(acme, "alice"), principal(acme, "bob")
    sales, legal = group(acme, "sales", alice), group(acme, "legal", bob)
    shared = scope_of_groups(organisation=acme, groups=[sales.id, legal.id])
    of_sales = scope_of_groups(organisation=acme, groups=[sales.id])
    private = scope_of_principal(organisation=acme, principal=alice.id)
    viewer = viewer_of(organisation=acme, principal=alice.id)
    assert viewer == Viewer(tuple(sorted([shared, of_sales, private])), alice.id, private)
    of_bob = viewer_of(organisation=acme, principal=bob.id)
    assert (of_bob.sees(shared), of_bob.sees(of_sales), of_bob.sees(private)) == (True, False, False)
    assert viewer_of(organisation=acme, principal=None) == EVERYBODY


def test_scope_of_the_same_groups_is_one_number(acme):
    one, two = group(acme, "one"), group(acme, "two")
    number = scope_of_groups(organisation=acme, groups=[one.id, two.id])
    assert number > 0
    assert scope_of_groups(organisation=acme, groups=[two.id, one.id, two.id]) == number
    assert scope_of_groups(organisation=acme, groups=[]) == 0


def test_postgres_compares_with_the_viewer(acme):
    assert [sees(acme, EVERYBODY, scope) for scope in (0, 1)] == [True, False]
    assert [sees(acme, Viewer((3, 17)), scope) for scope in (0, 3, 17, 1)] == [True, True, True, False]
    with seeing_everything(), tenant_transaction(acme):
        assert read_value(IS_VISIBLE, [9])


def test_nested_transaction_of_another_viewer_gives_back(acme):
    with viewing(Viewer((3,))), tenant_transaction(acme):
        with seeing_everything(), tenant_transaction(acme):
            assert read_value(IS_VISIBLE, [9])
        assert not read_value(IS_VISIBLE, [9])
        with pytest.raises(psycopg.Error), seeing_everything(), tenant_transaction(acme):
            raw_cursor().execute("SELECT 1 / 0")
        assert (read_value(IS_VISIBLE, [9]), read_value(IS_VISIBLE, [3])) == (False, True)


def test_viewer_does_not_outlive_its_transaction(acme):
    with transaction.atomic():
        with viewing(Viewer((3,))), tenant_transaction(acme):
            pass
        assert not read_value(IS_VISIBLE, [3])


def test_key_sees_what_its_principal_sees_now(acme):
    alice = principal(acme, "alice")
    sales = group(acme, "sales", alice)
    scope = scope_of_groups(organisation=acme, groups=[sales.id])
    _key, token = create_api_key(organisation=acme, by=SYSTEM, principal=alice.id)
    assert _principal_of(token, "", "").viewer.sees(scope)
    remove_member(organisation=acme, by=SYSTEM, group=sales, principal=alice)
    assert not _principal_of(token, "", "").viewer.sees(scope)
    _key, token = create_api_key(organisation=acme, by=SYSTEM)
    assert _principal_of(token, "", "").viewer == EVERYBODY


def test_member_of_another_organisations_group_is_refused(acme):
    other = make_caller("Other").organisation
    theirs, mine = group(other, "theirs"), principal(acme, "alice")
    with pytest.raises(psycopg.Error), tenant_transaction(acme):
        GroupMember.objects.create(organisation_id=acme, group_id=theirs.id, principal_id=mine.id)
        raw_cursor().execute("SET CONSTRAINTS ALL IMMEDIATE")
