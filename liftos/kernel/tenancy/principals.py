"""Operations on principals and groups. Each change is recorded, and counts for every key from the next second on."""

from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import current_viewer
from liftos.kernel.errors import Conflict, InvalidInput, NotFound
from liftos.kernel.ids import as_uuid
from liftos.kernel.ports import decision_recorder
from liftos.kernel.tenancy.known_keys import forget_all_keys
from liftos.kernel.tenancy.models import (
    AccessScope,
    BreakGlass,
    Group,
    GroupMember,
    PrincipalRecord,
)
from liftos.kernel.tenancy.others_sight import note_of, require_sight, require_sight_to_rename, risk_of
from liftos.kernel.tenancy.scopes import scope_of_principal
from liftos.kernel.tenancy.types import Actor, PrincipalKind

MAX_NAME = 200


class PrincipalExists(Conflict):
    """A principal with this name already exists."""

    code = "tenancy.principal_exists"


class GroupExists(Conflict):
    """A group with this name already exists."""

    code = "tenancy.group_exists"


class PrincipalNotFound(NotFound):
    """No principal has that name or id."""

    code = "tenancy.principal_not_found"


class GroupNotFound(NotFound):
    """No group has that name or id."""

    code = "tenancy.group_not_found"


class GroupInUse(Conflict):
    """Something is visible to this group; change its visibility first."""

    code = "tenancy.group_in_use"


def find_principal(*, organisation: UUID, named: str) -> PrincipalRecord:
    """Return a principal by its name or id.

    Raises:
        PrincipalNotFound: there is none.
    """
    with tenant_transaction(organisation):
        found = _named(PrincipalRecord.objects.filter(organisation_id=organisation), named)
    if found is None:
        raise PrincipalNotFound
    return found


def find_group(*, organisation: UUID, named: str) -> Group:
    """Return a group by its name or id.

    Raises:
        GroupNotFound: there is none.
    """
    with tenant_transaction(organisation):
        found = _named(Group.objects.filter(organisation_id=organisation), named)
    if found is None:
        raise GroupNotFound
    return found


def _named(rows: QuerySet[Any], named: str) -> Any:
    """Return the row with this name, else with this id, or None."""
    ident = as_uuid(named)
    return rows.filter(name=named).first() or (rows.filter(id=ident).first() if ident else None)


def create_principal(*, organisation: UUID, by: Actor, name: str, kind: PrincipalKind) -> PrincipalRecord:
    """Create a principal and the scope of what only it may see.

    Raises:
        InvalidInput: the name is blank, too long or looks like an id.
        PrincipalExists: the name is taken.
    """
    name = clean_name(name)
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
        InvalidInput: as for `create_principal`.
        GroupExists: the name is taken.
    """
    name = clean_name(name)
    try:
        with tenant_transaction(organisation), transaction.atomic():
            made = Group.objects.create(organisation_id=organisation, name=name)
            _record(organisation, by, "group.create", ("group", made.id), f"Created the group {name}.")
    except IntegrityError as error:
        raise GroupExists(loc=("name",)) from error
    return made


def clean_name(name: str) -> str:
    """Return a name without surrounding space.

    Raises:
        InvalidInput: it is blank, longer than 200 characters, has a control character, or is a UUID, which would be read as an id.
    """
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME or not name.isprintable():
        raise InvalidInput(f"A name has 1 to {MAX_NAME} printable characters.", loc=("name",))
    if as_uuid(name) is not None:
        raise InvalidInput("A name must not be a UUID.", loc=("name",))
    return name


def rename_principal(
    *, organisation: UUID, by: Actor, principal: PrincipalRecord, name: str, kind: PrincipalKind
) -> PrincipalRecord:
    """Give a principal another name and kind.

    Raises:
        InvalidInput: as for `create_principal`.
        PrincipalExists: the name is taken.
        NeedsBreakGlass: names open something to gateways or issuers, and the principal sees what the actor does not.
    """
    glass = require_sight_to_rename(by=by, whose=principal) if name.strip() != principal.name else None
    former, principal.name, principal.kind = principal.name, clean_name(name), kind.value
    try:
        with tenant_transaction(organisation), transaction.atomic():
            principal.save(update_fields=["name", "kind"])
            text = f"Changed {former} to the {kind} {principal.name}."
            _record(organisation, by, "principal.change", ("principal", principal.id), text, glass)
            forget_all_keys()
    except IntegrityError as error:
        raise PrincipalExists(loc=("name",)) from error
    return principal


def rename_group(*, organisation: UUID, by: Actor, group: Group, name: str) -> Group:
    """Give a group another name.

    Raises:
        InvalidInput: as for `create_principal`.
        GroupExists: the name is taken.
        NeedsBreakGlass: issuers name groups, and something is visible to this one that the actor does not see.
    """
    glass = require_sight_to_rename(by=by, whose=group) if name.strip() != group.name else None
    former, group.name = group.name, clean_name(name)
    try:
        with tenant_transaction(organisation), transaction.atomic():
            group.save(update_fields=["name"])
            text = f"Renamed the group {former} to {group.name}."
            _record(organisation, by, "group.rename", ("group", group.id), text, glass)
    except IntegrityError as error:
        raise GroupExists(loc=("name",)) from error
    return group


def delete_group(*, organisation: UUID, by: Actor, group: Group) -> None:
    """Delete a group to which nothing was ever made visible.

    Raises:
        GroupInUse: an access scope names it, so that what has this scope could get lost to all.
    """
    with tenant_transaction(organisation):
        if AccessScope.objects.filter(organisation_id=organisation, groups__contains=[group.id]).exists():
            raise GroupInUse
        _record(organisation, by, "group.delete", ("group", group.id), f"Deleted the group {group}.")
        group.delete()
        forget_all_keys()


def find_or_create_principal(
    *, organisation: UUID, by: Actor, name: str, kind: PrincipalKind = PrincipalKind.PERSON
) -> PrincipalRecord:
    """Return the principal with this name, created if it is not there."""
    try:
        return find_principal(organisation=organisation, named=name)
    except PrincipalNotFound:
        try:
            return create_principal(organisation=organisation, by=by, name=name, kind=kind)
        except PrincipalExists:  # created by a concurrent call
            return find_principal(organisation=organisation, named=name)


def find_or_create_group(*, organisation: UUID, by: Actor, name: str) -> Group:
    """Return the group with this name, created if it is not there."""
    try:
        return find_group(organisation=organisation, named=name)
    except GroupNotFound:
        try:
            return create_group(organisation=organisation, by=by, name=name)
        except GroupExists:  # created by a concurrent call
            return find_group(organisation=organisation, named=name)


def add_member(*, organisation: UUID, by: Actor, group: Group, principal: PrincipalRecord) -> bool:
    """Add a principal to a group; return whether it was not yet a member.

    Raises:
        NeedsBreakGlass: the actor would add itself, and something is visible to the group that the actor does not see.
    """
    with tenant_transaction(organisation):
        glass = require_sight(by=by, whose=group) if current_viewer().principal == principal.id else None
        _row, added = GroupMember.objects.get_or_create(
            organisation_id=organisation, group_id=group.id, principal_id=principal.id
        )
        if added:
            text = f"Added {principal} to {group}."
            _record(organisation, by, "group.add_member", ("group", group.id), text, glass)
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


def _record(
    organisation: UUID,
    by: Actor,
    operation: str,
    subject: tuple[str, UUID],
    reasoning: str,
    glass: BreakGlass | None = None,
) -> None:
    kind, ident = subject
    decision_recorder()(
        organisation=organisation,
        by=by,
        operation=operation,
        effect="write",
        risk_class=risk_of(glass),
        subject=(kind, str(ident)),
        reasoning=reasoning,
        inputs=note_of(glass),
        outputs={"id": str(ident)},
    )
