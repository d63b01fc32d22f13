"""Operations on organisations and API keys."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import Conflict, InvalidInput, NotFound
from liftos.kernel.outbox.operations import emit
from liftos.kernel.ports import decision_recorder
from liftos.kernel.tenancy.keys import new_key
from liftos.kernel.tenancy.models import ApiKey, BreakGlass, Organisation, PrincipalRecord
from liftos.kernel.tenancy.others_sight import note_of, require_sight, risk_of
from liftos.kernel.tenancy.types import ALL_SCOPES, Actor, Scope


class OrganisationExists(Conflict):
    """An organisation with this name already exists."""

    code = "tenancy.organisation_exists"


class KeyNotFound(NotFound):
    """The organisation has no valid key with this id."""

    code = "tenancy.key_not_found"


def slug_of(name: str) -> str:
    """Return the slug for an organisation's name.

    Raises:
        InvalidInput: the name contains no letter or digit.
    """
    slug = slugify(name)[:63].strip("-")
    if not slug:
        raise InvalidInput("The name must contain at least one letter or digit.", loc=("name",))
    return slug


def create_organisation(*, name: str, by: Actor) -> Organisation:
    """Create an organisation; its slug is derived from its name.

    Raises:
        InvalidInput: the name contains no letter or digit.
        OrganisationExists: the slug is taken.
    """
    slug = slug_of(name)
    try:
        with transaction.atomic():
            organisation = Organisation.objects.create(slug=slug, name=name[:200])
            with tenant_transaction(organisation.id):
                decision_recorder()(
                    organisation=organisation.id,
                    by=by,
                    operation="organisation.create",
                    effect="write",
                    subject=("organisation", str(organisation.id)),
                    reasoning=f"Created the organisation {slug} at the request of {by.kind} {by.id}.",
                    inputs={"name": name},
                    outputs={"slug": slug},
                )
    except IntegrityError as error:
        raise OrganisationExists(loc=("name",)) from error
    return organisation


def create_api_key(
    *,
    organisation: UUID,
    by: Actor,
    name: str = "",
    scopes: frozenset[Scope] = ALL_SCOPES,
    expires_at: datetime | None = None,
    principal: UUID | None = None,
) -> tuple[ApiKey, str]:
    """Create a key; its token is returned here and can't be read again.

    Args:
        organisation: a tenant.
        by: the actor.
        name: a label.
        scopes: granted scopes.
        expires_at: aware UTC, or None for no expiry.
        principal: whom it authenticates; it sees what this principal may see.

    Returns:
        The stored key and its token.

    Raises:
        NeedsBreakGlass: the principal is another than the actor, and sees what the actor does not.
    """
    parts = new_key()
    with tenant_transaction(organisation):
        whose = None if principal is None else PrincipalRecord.objects.get(id=principal)
        glass = None if whose is None else require_sight(by=by, whose=whose)
        key = ApiKey.objects.create(
            organisation_id=organisation,
            name=name,
            prefix=parts.prefix,
            secret_hash=parts.secret_hash,
            scopes=sorted(scopes),
            expires_at=expires_at,
            principal=whose,
        )
        text = f"Issued a key with {len(scopes)} scopes{'' if whose is None else f' for {whose}'}."
        _record_key(organisation, by, key, "api_key.create", text, glass)
    return key, parts.token


def rotate_api_key(
    *,
    organisation: UUID,
    by: Actor,
    key: UUID,
    overlap: timedelta,
    now: datetime,
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    """Create a key like another, which expires after an overlap.

    Args:
        organisation: a tenant.
        by: the actor.
        key: the key to replace; it must be valid.
        overlap: how long both are valid; never longer than the former key was.
        now: aware UTC.
        expires_at: of the new key, or None for no expiry.

    Returns:
        The new key and its token.

    Raises:
        KeyNotFound: there is no such key, or it is no longer valid.
        NeedsBreakGlass: as for `create_api_key`.
    """
    with tenant_transaction(organisation):
        former = ApiKey.objects.select_for_update().filter(organisation_id=organisation, id=key).first()
        if former is None or former.revoked_at or (former.expires_at and former.expires_at <= now):
            raise KeyNotFound
        made = create_api_key(
            organisation=organisation,
            by=by,
            name=former.name,
            scopes=frozenset(Scope(each) for each in former.scopes),
            expires_at=expires_at,
            principal=former.principal_id,
        )
        former.expires_at = min(now + overlap, former.expires_at or now + overlap)
        former.save(update_fields=["expires_at"])
        _record_key(
            organisation, by, former, "api_key.rotate", "Replaced the key; it expires after an overlap."
        )
    return made


def revoke_api_key(*, organisation: UUID, by: Actor, key: UUID, now: datetime) -> None:
    """Revoke a key; revoking it again has no effect."""
    with tenant_transaction(organisation):
        row = ApiKey.objects.select_for_update().filter(id=key, revoked_at=None).first()
        if row is None:
            return
        row.revoked_at = now
        row.save(update_fields=["revoked_at"])
        _record_key(organisation, by, row, "api_key.revoke", "Revoked the key; it is refused from now on.")


def touch_api_key(*, organisation: UUID, key: UUID, now: datetime) -> None:
    """Update a key's last use; called at most once a minute per key."""
    with tenant_transaction(organisation):
        ApiKey.objects.filter(id=key).update(last_used_at=now)


def _record_key(
    organisation: UUID,
    by: Actor,
    key: ApiKey,
    operation: str,
    reasoning: str,
    glass: BreakGlass | None = None,
) -> None:
    decision_recorder()(
        organisation=organisation,
        by=by,
        operation=operation,
        effect="write",
        risk_class=risk_of(glass),
        subject=("api_key", str(key.id)),
        reasoning=reasoning,
        inputs={"name": key.name, "scopes": key.scopes, "principal": key.principal and key.principal.name}
        | note_of(glass),
        outputs={"prefix": key.prefix},
    )
    emit(
        organisation=organisation,
        type=f"liftos.{operation}",
        subject=f"api_keys/{key.id}",
        data={
            "prefix": key.prefix,
            "scopes": key.scopes,
            "principal_id": key.principal_id and str(key.principal_id),
            "actor_kind": by.kind,
            "actor_id": by.id,
        },
    )
