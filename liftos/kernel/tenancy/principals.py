"""Operations on principals and groups. Each change is recorded, and counts for every key from the next second on."""

from uuid import UUID

from django.db import IntegrityError, transaction

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import Conflict
from liftos.kernel.ports import decision_recorder
from liftos.kernel.tenancy.known_keys import forget_all_keys
from liftos.kernel.tenancy.models import Group, GroupMember, PrincipalRecord
from liftos.kernel.tenancy.scopes import scope_of_principal
from liftos.kernel.tenancy.types import Actor, PrincipalKind


class PrincipalExists(Conflict):
    """A principal with this name already exists."""

    code = "tenancy.principal_exists"


class GroupExists(Conflict):
    """A group with this name already exists."""

    code = "tenancy.group_exists"


def create_principal(*, organisation: UUID, by: Actor, name: str, kind: PrincipalKind) -> PrincipalRecord:
    """Create a principal and the scope of what only it may see.

    Raises:
        PrincipalExists: the name is taken.
    """
    try:
        with tenant_transaction(organisation), transaction.atomic():
            made = PrincipalRecord.objects.create(organisation_id=organisation, kind=kind.value, name=name)
            scope_of_principal(organisation=organisation, principal=made.id)
            _record(
                organisation, by, "principal.create", ("principal", made.id), f"Created the {kind} {name}."
            )
    except IntegrityError as error:
        raise PrincipalExists(loc=("name",)) from error
    return made


def create_group(*, organisation: UUID, by: Actor, name: str) -> Group:
    """Create a group without members.

    Raises:
        GroupExists: the name is taken.
    """
    try:
        with tenant_transaction(organisation), transaction.atomic():
            made = Group.objects.create(organisation_id=organisation, name=name)
            _record(organisation, by, "group.create", ("group", made.id), f"Created the group {name}.")
    except IntegrityError as error:
        raise GroupExists(loc=("name",)) from error
    return made


def add_member(*, organisation: UUID, by: Actor, group: Group, principal: PrincipalRecord) -> bool:
    """Add a principal to a group; return whether it was not yet a member."""
    with tenant_transaction(organisation):
        _row, added = GroupMember.objects.get_or_create(
            organisation_id=organisation, group_id=group.id, principal_id=principal.id
        )
        if added:
            _record(
                organisation, by, "group.add_member", ("group", group.id), f"Added {principal} to {group}."
            )
            forget_all_keys()
    return added


def remove_member(*, organisation: UUID, by: Actor, group: Group, principal: PrincipalRecord) -> bool:
    """Remove a principal from a group; return whether it was a member."""
    with tenant_transaction(organisation):
        removed, _rows = GroupMember.objects.filter(
            organisation_id=organisation, group_id=group.id, principal_id=principal.id
        ).delete()
        if removed:
            text = f"Removed {principal} from {group}."
            _record(organisation, by, "group.remove_member", ("group", group.id), text)
            forget_all_keys()
    return bool(removed)


def _record(organisation: UUID, by: Actor, operation: str, subject: tuple[str, UUID], reasoning: str) -> None:
    kind, ident = subject
    decision_recorder()(
        organisation=organisation,
        by=by,
        operation=operation,
        effect="write",
        risk_class="limited",
        subject=(kind, str(ident)),
        reasoning=reasoning,
        inputs={},
        outputs={"id": str(ident)},
    )
