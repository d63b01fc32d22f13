"""Links from staff members to principals: they decide what a member sees in the admin (docs/access.md)."""

from uuid import UUID

from django.db import IntegrityError, transaction

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import Conflict, PermissionDenied
from liftos.kernel.ports import decision_recorder
from liftos.kernel.tenancy.models import Membership, PrincipalRecord
from liftos.kernel.tenancy.types import Actor, ActorKind, PrincipalKind


class NotAPerson(Conflict):
    """Only a principal of the kind person can be a staff member."""

    code = "tenancy.not_a_person"


class PrincipalTaken(Conflict):
    """This principal is another member."""

    code = "tenancy.principal_taken"


class OwnMembership(PermissionDenied):
    """Somebody else must choose which principal you are: it decides what you see."""

    code = "tenancy.own_membership"


def check_link(*, by: Actor, membership: Membership, principal: PrincipalRecord) -> None:
    """Check that a member may become a principal; a principal that they are already passes.

    Raises:
        OwnMembership: it is the actor's own membership.
        NotAPerson: the principal is an agent or a service.
        PrincipalTaken: it is another member.
    """
    if membership.principal_id == principal.id:
        return
    if by.kind is ActorKind.STAFF and by.id == membership.user.get_username():
        raise OwnMembership
    if principal.kind != PrincipalKind.PERSON:
        raise NotAPerson
    if Membership.objects.filter(organisation_id=membership.organisation_id, principal=principal).exists():
        raise PrincipalTaken


def link_member(*, by: Actor, membership: Membership, principal: PrincipalRecord | None) -> None:
    """Link a member to a principal, or to nobody with None, and record it.

    Raises:
        OwnMembership, NotAPerson, PrincipalTaken: as for `check_link`; nothing is changed.
    """
    organisation, former = membership.organisation_id, membership.principal_id
    if former == (None if principal is None else principal.id):
        return
    if principal is not None:
        check_link(by=by, membership=membership, principal=principal)
    username = membership.user.get_username()
    try:
        with tenant_transaction(organisation), transaction.atomic():
            membership.principal = principal
            membership.save(update_fields=["principal"])
            if former is not None:
                _record(
                    organisation, by, "principal.unlink_member", former, f"{username} no longer sees as it."
                )
            if principal is not None:
                text = f"{username} is {principal} in the admin and sees what it sees."
                _record(organisation, by, "principal.link_member", principal.id, text)
    except IntegrityError as error:
        raise PrincipalTaken from error


def _record(organisation: UUID, by: Actor, operation: str, principal: UUID, reasoning: str) -> None:
    decision_recorder()(
        organisation=organisation,
        by=by,
        operation=operation,
        effect="write",
        risk_class="high",
        subject=("principal", str(principal)),
        reasoning=reasoning,
        inputs={},
    )
