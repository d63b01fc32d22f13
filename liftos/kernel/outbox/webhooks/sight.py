"""The rights and the view of the owner of a webhook or trigger, now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from liftos.kernel.db.viewers import Viewer
from liftos.kernel.outbox.catalogue import required_scope
from liftos.kernel.outbox.models import Webhook
from liftos.kernel.tenancy.authority import scopes_now, viewer_now
from liftos.kernel.tenancy.types import Actor, ActorKind, Scope, with_implied


@dataclass(frozen=True, slots=True)
class Sight:
    """The rights and the view of an owner, now."""

    scopes: frozenset[Scope]
    viewer: Viewer

    def may_receive(self, type_: str, scope: int) -> bool:
        """Return whether events of a type and an access scope may be received."""
        return required_scope(type_) in self.scopes and self.viewer.sees(scope)


def sight_of(
    *,
    organisation: UUID,
    owner: Actor,
    acts_as: UUID | None,
    groups: Sequence[UUID] | None,
    scopes: Iterable[str],
) -> Sight:
    """Return what an owner may receive now: never more than with the scopes it had, and nothing without access.

    Args:
        organisation: the tenant.
        owner: whose authority counts.
        acts_as: the principal whose view it has.
        groups: the only ones that count; None if the stored memberships do.
        scopes: those that it had.
    """
    had = with_implied(Scope(each) for each in scopes)
    now = scopes_now(organisation=organisation, actor=owner)
    viewer = viewer_now(organisation=organisation, actor=owner, principal=acts_as, groups=groups)
    return Sight(had & now, viewer)


def sight_of_webhook(webhook: Webhook) -> Sight:
    """Return what a webhook may receive now."""
    return sight_of(
        organisation=webhook.organisation_id,
        owner=Actor(ActorKind(webhook.owner_kind), webhook.owner_id),
        acts_as=webhook.acts_as,
        groups=webhook.groups,
        scopes=webhook.scopes,
    )
