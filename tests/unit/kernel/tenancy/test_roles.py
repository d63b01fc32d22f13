"""Roles by permission and by scope."""

import pytest

from liftos.kernel.tenancy.roles import ROLE_SCOPES, role_may
from liftos.kernel.tenancy.types import ALL_SCOPES, Role, Scope

MAY = {
    "memory.view_memory": "auditor reviewer curator owner",
    "accountability.view_decisionrecord": "auditor reviewer curator owner",
    "tenancy.view_apikey": "auditor reviewer curator owner",
    "accountability.change_reviewcase": "reviewer owner",
    "memory.change_memory": "curator owner",
    "memory.delete_memory": "curator owner",
    "workflows.add_template": "curator owner",
    "spaces.change_space": "curator owner",
    "tenancy.add_apikey": "owner",
    "tenancy.change_membership": "owner",
    "tenancy.delete_membership": "owner",
    "accountability.change_reviewpolicy": "owner",
    "memory.change_derivedpolicy": "owner",
    "memory.change_erasurepolicy": "owner",
    "memory.change_rejectionpolicy": "owner",
    "memory.change_secretspolicy": "owner",
    # no organisation's
    "auth.view_user": "",
    "auth.change_user": "",
    "tenancy.add_organisation": "",
    "accountability.delete_decisionrecord": "",
    "accountability.change_decisionrecord": "",
    "rubbish": "",
}


@pytest.mark.parametrize("permission", MAY)
@pytest.mark.parametrize("role", Role)
def test_permissions_of_each_role(role, permission):
    assert role_may(role, permission) is (role in MAY[permission].split())


def test_keys_of_a_role_read_and_do_no_more_than_it():
    writing = {scope for scope in Scope if not scope.endswith(":read")}
    assert not ROLE_SCOPES[Role.AUDITOR] & writing
    assert ROLE_SCOPES[Role.REVIEWER] & writing == {Scope.DECISIONS_REVIEW}
    assert Scope.DECISIONS_REVIEW not in ROLE_SCOPES[Role.CURATOR]
    assert Scope.ADMIN not in ROLE_SCOPES[Role.CURATOR]
    assert ROLE_SCOPES[Role.OWNER] == ALL_SCOPES
