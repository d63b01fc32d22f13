"""Reads about organisations and keys."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from liftos.errors import NotFound
from liftos.tenancy.models import Organisation


class OrganisationNotFound(NotFound):
    """There is no organisation of that name."""

    code = "tenancy.organisation_not_found"


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is known of a key before its organisation is."""

    id: UUID
    organisation: UUID
    slug: str
    secret_hash: bytes
    scopes: list[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


def get_key_record(prefix: str) -> KeyRecord | None:
    """Return the key with this prefix, or None. Runs before a tenant is known, through a SECURITY DEFINER function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM liftos_key_by_prefix(%s)", [prefix])
        row = cursor.fetchone()
    if row is None:
        return None
    return KeyRecord(row[0], row[1], row[2], bytes(row[3]), *row[4:])


def find_organisation(named: str) -> Organisation:
    """Return an organisation by its slug or its id.

    Raises:
        OrganisationNotFound: there is none.
    """
    try:
        found = Organisation.objects.filter(id=UUID(named)).first()
    except ValueError:
        found = None
    return get_organisation(named) if found is None else found


def get_organisation(slug: str) -> Organisation:
    """Return an organisation by its slug.

    Raises:
        OrganisationNotFound: there is none.
    """
    organisation = Organisation.objects.filter(slug=slug).first()
    if organisation is None:
        raise OrganisationNotFound
    return organisation
