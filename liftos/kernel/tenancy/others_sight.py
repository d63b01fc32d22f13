"""The right to open to oneself what only somebody else sees: keys of others, oneself in a group, private memories handed over.

Whoever manages keys and groups could read by them what break-glass keeps closed (docs/access.md), so these acts need a break-glass
in force. System tasks and operators' commands are trusted.
"""

from django.conf import settings
from django.utils import timezone

from liftos.kernel.db.transactions import whole_tenant
from liftos.kernel.db.viewers import ORGANISATION_SCOPE, Viewer, current_viewer
from liftos.kernel.errors import PermissionDenied
from liftos.kernel.ids import as_uuid
from liftos.kernel.ports import private_memories
from liftos.kernel.tenancy.break_glass import in_force
from liftos.kernel.tenancy.known_keys import known_key_by_id
from liftos.kernel.tenancy.models import AccessScope, BreakGlass, Group, PrincipalRecord, TokenIdentity
from liftos.kernel.tenancy.queries import viewer_of
from liftos.kernel.tenancy.tokens.issuers import issuers
from liftos.kernel.tenancy.types import Actor, ActorKind, Scope


class NeedsBreakGlass(PermissionDenied):
    """This would open to you what only somebody else sees: open a break-glass for that principal or group first."""

    code = "tenancy.needs_break_glass"


def require_sight(*, by: Actor, whose: PrincipalRecord | Group) -> BreakGlass | None:
    """Check that an actor may open to itself what a principal, or a group's members, see; return the break-glass that allows it.

    Nothing is needed (None) by the principal itself, by a key that may act for anybody, or as long as nothing is there that the
    actor does not see anyway.

    Raises:
        NeedsBreakGlass: none of the actor's is in force for it.
    """
    viewer = current_viewer()
    if by.kind is ActorKind.SYSTEM or viewer.principal == whose.id or _acts_for_anybody(by, whose):
        return None
    organisation = whose.organisation_id
    with whole_tenant(organisation):
        hidden = [each for each in _scopes_of(whose) if not _sees(viewer, each)]
        if not hidden or not private_memories().any(organisation, hidden):
            return None
        for each in in_force(organisation=organisation, by=by, now=timezone.now()):
            if whose.id in (each.principal_id, each.group_id):
                return each
    raise NeedsBreakGlass


def require_sight_to_rename(*, by: Actor, whose: PrincipalRecord | Group) -> BreakGlass | None:
    """Check as `require_sight` does where a name opens something: to a gateway's user, or to the holder of an issuer's token.

    Raises:
        NeedsBreakGlass: as for `require_sight`.
    """
    if isinstance(whose, Group):
        opens = any(each.groups_claim for each in issuers().values())
    else:
        linked = TokenIdentity.objects.filter(organisation_id=whose.organisation_id, principal_id=whose.id)
        opens = settings.LIFTOS_USER_IS_PRINCIPAL or (bool(issuers()) and not linked.exists())
    return require_sight(by=by, whose=whose) if opens else None


def note_of(glass: BreakGlass | None) -> dict[str, str]:
    """Return what the record of the act says of its break-glass."""
    return {} if glass is None else {"break_glass": str(glass.id)}


def risk_of(glass: BreakGlass | None) -> str:
    """Return the risk class of the act; one under break-glass is reviewed by somebody else, by default."""
    return "limited" if glass is None else "high"


def _acts_for_anybody(by: Actor, whose: PrincipalRecord | Group) -> bool:
    ident = as_uuid(by.id) if by.kind is ActorKind.API_KEY else None
    record = None if ident is None else known_key_by_id(whose.organisation_id, ident)
    return record is not None and record.is_valid(timezone.now()) and Scope.ACT_AS in record.scopes


def _scopes_of(whose: PrincipalRecord | Group) -> tuple[int, ...]:
    if isinstance(whose, PrincipalRecord):
        return viewer_of(organisation=whose.organisation_id, principal=whose.id).scopes
    naming = AccessScope.objects.filter(organisation_id=whose.organisation_id, groups__contains=[whose.id])
    return tuple(naming.values_list("id", flat=True))


def _sees(viewer: Viewer, scope: int) -> bool:
    # not `Viewer.sees`: a block that sees the whole tenant reads for the product, not for its caller
    return scope == ORGANISATION_SCOPE or scope in viewer.scopes
