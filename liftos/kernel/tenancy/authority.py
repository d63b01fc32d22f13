"""Current authority of an actor: a key's or person's scopes now, so that earlier runs do not keep lost rights."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYBODY, Viewer
from liftos.kernel.ids import as_uuid
from liftos.kernel.tenancy.known_keys import known_key_by_id, viewer_of_named
from liftos.kernel.tenancy.models import Membership
from liftos.kernel.tenancy.queries import joined_groups, principal_of_staff, viewer_of
from liftos.kernel.tenancy.roles import ROLE_SCOPES
from liftos.kernel.tenancy.tokens.callers import scopes_of_principal
from liftos.kernel.tenancy.types import (
    ALL_SCOPES,
    GATEWAY_SCOPES,
    Actor,
    ActorKind,
    Role,
    Scope,
    with_implied,
)

NOTHING: frozenset[Scope] = frozenset()


def scopes_now(*, organisation: UUID, actor: Actor) -> frozenset[Scope]:
    """Return an actor's current scopes in an organisation, implied ones included; empty without access.

    Keys may be cached for a second (liftos.kernel.tenancy.known_keys); accounts and roles are read each time.

    Args:
        organisation: a tenant.
        actor: an API key or a token's principal by its id, a staff member by user name, the gateway's user, or the system.
    """
    match actor.kind:
        case ActorKind.SYSTEM:
            return ALL_SCOPES
        case ActorKind.GATEWAY:
            # gateway users have no account here; they have access while any gateway is trusted
            return GATEWAY_SCOPES if settings.LIFTOS_TRUSTED_PROXIES else NOTHING
        case ActorKind.STAFF:
            return _of_person(organisation, actor.id)
        case ActorKind.API_KEY:
            return _of_key(organisation, actor.id)
        case ActorKind.PRINCIPAL:
            ident = as_uuid(actor.id)
            found = [] if ident is None else scopes_of_principal(organisation=organisation, principal=ident)
            return with_implied(Scope(each) for each in found if each in ALL_SCOPES)


def viewer_now(
    *, organisation: UUID, actor: Actor, principal: UUID | None, groups: Sequence[UUID] | None = None
) -> Viewer:
    """Return what an actor's work for a principal may see now, so that earlier runs and jobs do not keep lost groups or rights.

    Args:
        organisation: a tenant.
        actor: who started the work. A key that acted for another principal must still have the scope act_as, a staff member
            must still be the principal.
        principal: whose view the work has; without one, or without the right to it, only the organisation's.
        groups: those of the token that started the work; of them count those that the principal is still in. None if it was
            not limited to any.
    """
    if principal is None or not _may_see_as(organisation, actor, principal):
        return EVERYBODY
    if groups is None:
        return viewer_of(organisation=organisation, principal=principal)
    kept = joined_groups(organisation=organisation, principal=principal, among=groups)
    return viewer_of(organisation=organisation, principal=principal, groups=kept)


def _may_see_as(organisation: UUID, actor: Actor, principal: UUID) -> bool:
    match actor.kind:
        case ActorKind.GATEWAY:
            return _gateway_may_see_as(organisation, actor, principal)
        case ActorKind.PRINCIPAL:
            return as_uuid(actor.id) == principal
        case ActorKind.STAFF:
            return principal_of_staff(organisation=organisation, username=actor.id) == principal
        case ActorKind.SYSTEM:
            return True
    ident = as_uuid(actor.id)
    record = None if ident is None else known_key_by_id(organisation, ident)
    if record is None or not record.is_valid(timezone.now()):
        return False
    return record.viewer.principal == principal or Scope.ACT_AS in record.scopes


def _gateway_may_see_as(organisation: UUID, actor: Actor, principal: UUID) -> bool:
    """Return whether a gateway is still trusted to name its users as principals, and this one still has the name."""
    if not (settings.LIFTOS_TRUSTED_PROXIES and settings.LIFTOS_USER_IS_PRINCIPAL):
        return False
    viewer = viewer_of_named(organisation, actor.on_behalf_of)
    return viewer is not None and viewer.principal == principal


def _of_key(organisation: UUID, key: str) -> frozenset[Scope]:
    ident = as_uuid(key)
    record = None if ident is None else known_key_by_id(organisation, ident)
    if record is None or not record.is_valid(timezone.now()):
        return NOTHING
    return with_implied(Scope(each) for each in record.scopes if each in ALL_SCOPES)


def _of_person(organisation: UUID, username: str) -> frozenset[Scope]:
    with tenant_transaction(organisation):
        user = User.objects.filter(username=username, is_active=True, is_staff=True).first()
        if user is None:
            return NOTHING
        if user.is_superuser:
            return ALL_SCOPES
        role = (
            Membership.objects.filter(user=user, organisation_id=organisation)
            .values_list("role", flat=True)
            .first()
        )
    return NOTHING if role is None else with_implied(ROLE_SCOPES[Role(role)])


def missing_scopes(wanted: Iterable[Scope], given: frozenset[Scope]) -> list[Scope]:
    """Return the wanted scopes that are not given, sorted."""
    return sorted(set(wanted) - with_implied(given))
