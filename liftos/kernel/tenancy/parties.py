"""Whose an actor's acts are: the principals of its key or token, and those it acted for."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from django.db.models import Q

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.ids import as_uuid
from liftos.kernel.tenancy.models import ApiKey, PrincipalRecord
from liftos.kernel.tenancy.types import Actor, ActorKind


def with_principals(organisation: UUID, actors: Sequence[Actor]) -> list[Actor]:
    """Return actors with their `principals`, so that two keys of one principal are one party; two queries at most.

    A name that an actor claims, or that of a gateway's user or member of staff, counts as the principal's of that name.
    """
    keys = {ident for each in actors if each.kind is ActorKind.API_KEY and (ident := as_uuid(each.id))}
    with tenant_transaction(organisation):
        owners: dict[str, UUID] = {}
        if keys:
            rows = ApiKey.objects.filter(organisation_id=organisation, id__in=keys).exclude(principal=None)
            owners = {str(key): owner for key, owner in rows.values_list("id", "principal_id") if owner}
        named = {name for each in actors for name in _names(each, owners)}
        known = list(
            PrincipalRecord.objects.filter(
                Q(name__in=named) | Q(id__in=[ident for name in named if (ident := as_uuid(name))]),
                organisation_id=organisation,
            ).values_list("id", "name")
            if named
            else ()
        )

    def resolved(actor: Actor) -> Actor:
        names = _names(actor, owners)
        found = [(str(ident), name) for ident, name in known if names & {str(ident), name}]
        return replace(actor, principals=frozenset(word for each in found for word in each))

    return [resolved(each) for each in actors]


def _names(actor: Actor, owners: dict[str, UUID]) -> set[str]:
    names = {actor.on_behalf_of}
    if actor.kind is ActorKind.API_KEY:
        names.add(str(owners.get(str(as_uuid(actor.id)), "")))
    elif actor.kind is not ActorKind.SYSTEM:
        names.add(actor.id)
    return names - {""}
