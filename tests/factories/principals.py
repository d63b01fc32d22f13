"""Principals of an organisation, with keys of their own."""

from liftos.kernel.db.viewers import Viewer
from liftos.kernel.tenancy.models import Group, PrincipalRecord
from liftos.kernel.tenancy.operations import create_api_key
from liftos.kernel.tenancy.principals import add_member, create_group, create_principal
from liftos.kernel.tenancy.queries import viewer_of
from liftos.kernel.tenancy.types import SYSTEM, PrincipalKind
from tests.factories.callers import Caller


def principal_of(caller: Caller, name: str, *groups: Group) -> PrincipalRecord:
    made = create_principal(organisation=caller.organisation, by=SYSTEM, name=name, kind=PrincipalKind.PERSON)
    for group in groups:
        add_member(organisation=caller.organisation, by=SYSTEM, group=group, principal=made)
    return made


def group_of(caller: Caller, name: str) -> Group:
    return create_group(organisation=caller.organisation, by=SYSTEM, name=name)


def key_of(caller: Caller, principal: PrincipalRecord, **more: object) -> Caller:
    """Return a caller with a key of a principal."""
    _, token = create_api_key(
        organisation=caller.organisation, by=SYSTEM, name=principal.name, principal=principal.id, **more
    )
    return Caller(caller.organisation, caller.slug, token, caller.client)


def open_glass(caller: Caller, **whose: str) -> str:
    """Return the id of a break-glass of the caller's own, for a principal or a group."""
    made = caller.post("/api/v1/break_glass", whose | {"reason": "Tested by the suite.", "minutes": 5})
    assert made.status_code == 201, made.content
    return str(made.json()["id"])


def seen_by(caller: Caller, principal: PrincipalRecord) -> Viewer:
    return viewer_of(organisation=caller.organisation, principal=principal.id)
