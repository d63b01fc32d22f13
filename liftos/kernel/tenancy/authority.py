"""What a party may do now: a key as it stands, a person by the role they have. What was started earlier keeps nothing that its party lost."""

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.known_keys import known_key_by_id
from liftos.kernel.tenancy.models import Membership
from liftos.kernel.tenancy.roles import ROLE_SCOPES
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
    """Return what a party may do in an organisation at this moment, implied scopes included; nothing if it may not even enter.

    A key's word is at most a second old (liftos.kernel.tenancy.known_keys); a person's account and role are read each time.

    Args:
        organisation: where.
        actor: an API key by its id, a member of staff by the user name, the gateway's user, or the system.
    """
    match actor.kind:
        case ActorKind.SYSTEM:
            return ALL_SCOPES
        case ActorKind.GATEWAY:
            # a user of the gateway has no account here: what stands for them is that a gateway is trusted at all
            return GATEWAY_SCOPES if settings.LIFTOS_TRUSTED_PROXIES else NOTHING
        case ActorKind.STAFF:
            return _of_person(organisation, actor.id)
        case ActorKind.API_KEY:
            return _of_key(organisation, actor.id)


def _of_key(organisation: UUID, key: str) -> frozenset[Scope]:
    try:
        ident = UUID(key)
    except ValueError:
        return NOTHING
    record = known_key_by_id(organisation, ident)
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
    """Return those of the wanted scopes that are not given, sorted."""
    return sorted(set(wanted) - with_implied(given))
