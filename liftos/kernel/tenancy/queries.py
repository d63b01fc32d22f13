"""Queries for organisations and API keys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Q

from liftos.kernel.db.rows import one_or
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.db.viewers import EVERYBODY, Viewer
from liftos.kernel.errors import NotFound
from liftos.kernel.ids import as_uuid
from liftos.kernel.tenancy.models import ApiKey, GroupMember, Membership, Organisation, PrincipalRecord
from liftos.kernel.tenancy.types import Role

VISIBLE_SCOPES = "SELECT own, scopes FROM liftos_visible_scopes(%s, %s)"
VISIBLE_BY_GROUPS = """
SELECT min(id) FILTER (WHERE principal_id = %(principal)s), coalesce(array_agg(id ORDER BY id), '{}')
FROM tenancy_accessscope
WHERE organisation_id = %(organisation)s AND (principal_id = %(principal)s OR groups && %(groups)s::uuid[])
"""

VISIBLE_TO_NAMED = """
SELECT p.id, v.own, v.scopes
FROM tenancy_principal AS p CROSS JOIN LATERAL liftos_visible_scopes(p.organisation_id, p.id) AS v
WHERE p.organisation_id = %s AND (p.name = %s OR p.id = %s)
ORDER BY p.name = %s DESC LIMIT 1
"""


class OrganisationNotFound(NotFound):
    """No organisation has that name."""

    code = "tenancy.organisation_not_found"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key's row, readable before its organisation is known."""

    id: UUID
    organisation: UUID
    slug: str
    secret_hash: bytes
    scopes: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    viewer: Viewer = EVERYBODY

    def is_valid(self, now: datetime) -> bool:
        """Return whether the key is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class StaffSight:
    """The organisation that a staff member has opened: their role and view there, and whether they have a break-glass in force.

    The view is what their principal sees; without one, what everybody sees, for superusers too.
    """

    organisation: Organisation
    role: Role | None
    viewer: Viewer
    is_under_glass: bool


def get_key_record(prefix: str) -> KeyRecord | None:
    """Return the key with this prefix, or None. Runs before a tenant is known, through a SECURITY DEFINER function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM liftos_key_by_prefix(%s)", [prefix])
        row = cursor.fetchone()
    if row is None:
        return None
    ident, organisation, slug, secret_hash, scopes, expires_at, revoked_at, last_used_at, *seen = row
    principal, own, visible = seen
    return KeyRecord(
        id=ident,
        organisation=organisation,
        slug=slug,
        secret_hash=bytes(secret_hash),
        scopes=scopes,
        expires_at=expires_at,
        revoked_at=revoked_at,
        last_used_at=last_used_at,
        viewer=Viewer(tuple(visible), principal, own),
    )


def viewer_of(
    *, organisation: UUID, principal: UUID | None, groups: tuple[UUID, ...] | None = None
) -> Viewer:
    """Return what a principal may see now; without one, what everybody may see.

    Args:
        organisation: a tenant.
        principal: the viewer.
        groups: that count instead of the stored memberships.
    """
    if principal is None:
        return EVERYBODY
    with tenant_transaction(organisation):
        if groups is None:
            found = raw_cursor().execute(VISIBLE_SCOPES, [organisation, principal])
        else:
            values = {"organisation": organisation, "principal": principal, "groups": list(groups)}
            found = raw_cursor().execute(VISIBLE_BY_GROUPS, values)
        own, scopes = found.fetchone() or (None, [])
    return Viewer(tuple(scopes), principal, own, groups=groups)


def joined_groups(*, organisation: UUID, principal: UUID, among: Sequence[UUID]) -> tuple[UUID, ...]:
    """Return those of some groups that a principal is a stored member of, in order."""
    with tenant_transaction(organisation):
        found = GroupMember.objects.filter(
            organisation_id=organisation, principal_id=principal, group_id__in=among
        )
        return tuple(sorted(found.values_list("group_id", flat=True)))


def principal_of_staff(*, organisation: UUID, username: str) -> UUID | None:
    """Return the principal that a staff member is in an organisation; None without one, or for an account without access."""
    found = Membership.objects.filter(
        organisation_id=organisation, user__username=username, user__is_active=True, user__is_staff=True
    )
    return found.values_list("principal_id", flat=True).first()


def staff_sight(*, account: int, wanted: str, now: datetime) -> tuple[list[Organisation], StaffSight | None]:
    """Return the organisations that an account may open, and what it sees in the open one; one statement, spanning tenants.

    Args:
        account: the id of a user.
        wanted: id of the organisation to open; else the first is open.
        now: aware UTC.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM liftos_organisations_of_staff(%s, %s, %s)", [account, wanted, now])
        rows = cursor.fetchall()
    organisations, sight = [], None
    for ident, slug, name, created_at, is_open, role, principal, own, scopes, is_under_glass in rows:
        each = Organisation.from_db(
            connection.alias, ["id", "slug", "name", "created_at"], [ident, slug, name, created_at]
        )
        organisations.append(each)
        if is_open:
            viewer = EVERYBODY if principal is None else Viewer(tuple(scopes), principal, own)
            sight = StaffSight(each, Role(role) if role else None, viewer, is_under_glass)
    return organisations, sight


def actors_of_principal(
    *, organisation: UUID, named: str
) -> tuple[UUID | None, tuple[str, ...], tuple[str, ...]]:
    """Return a principal by its name or id, its actor ids (its own and those of its keys), and its names as a member of staff.

    Any other name is an actor's id itself.
    """
    with tenant_transaction(organisation):
        which = Q(name=named) | Q(id=as_uuid(named))
        found = PrincipalRecord.objects.filter(which, organisation_id=organisation).first()
        if found is None:
            return None, (named,), ()
        keys = ApiKey.objects.filter(organisation_id=organisation, principal_id=found.id)
        members = Membership.objects.filter(organisation_id=organisation, principal_id=found.id)
        return (
            found.id,
            (str(found.id), *(str(key) for key in keys.values_list("id", flat=True))),
            tuple(members.values_list("user__username", flat=True)),
        )


def find_organisation(named: str) -> Organisation:
    """Return an organisation by slug or id.

    Raises:
        OrganisationNotFound: there is none.
    """
    ident = as_uuid(named)
    found = Organisation.objects.filter(id=ident).first() if ident else None
    return found or get_organisation(named)


def get_key_record_by_id(organisation: UUID, key: UUID) -> KeyRecord | None:
    """Return an organisation's key by its id, or None."""
    with tenant_transaction(organisation):
        row = (
            ApiKey.objects.select_related("organisation").filter(organisation_id=organisation, id=key).first()
        )
    if row is None:
        return None
    return KeyRecord(
        id=row.id,
        organisation=organisation,
        slug=row.organisation.slug,
        secret_hash=bytes(row.secret_hash),
        scopes=row.scopes,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        viewer=viewer_of(organisation=organisation, principal=row.principal_id),
    )


def slug_by_id(organisation: UUID) -> str:
    """Return an organisation's slug, or "" if it does not exist."""
    return Organisation.objects.filter(id=organisation).values_list("slug", flat=True).first() or ""


def get_organisation(slug: str) -> Organisation:
    """Return an organisation by its slug.

    Raises:
        OrganisationNotFound: there is none.
    """
    missing = OrganisationNotFound(f"No organisation called {slug!r}.")
    return one_or(missing, Organisation.objects.filter(slug=slug))


def get_viewer_of_named(organisation: UUID, named: str) -> Viewer | None:
    """Return what the principal with this name or id may see, or None if there is none."""
    with tenant_transaction(organisation):
        row = raw_cursor().execute(VISIBLE_TO_NAMED, [organisation, named, as_uuid(named), named]).fetchone()
    return None if row is None else Viewer(tuple(row[2]), row[0], row[1])
