"""Callers of the API that send a token: their organisation, principal, rights, and what they may see.

The token is the authority while it lives: its claims alone decide the request's scopes, and its groups, if the issuer states
groups, are the only ones that count. What the most recently issued token says is stored, for work that goes on after it.
"""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import PermissionDenied
from liftos.kernel.ports import decision_recorder
from liftos.kernel.tenancy.models import Group, Organisation, PrincipalRecord, TokenIdentity
from liftos.kernel.tenancy.principals import (
    GroupExists,
    PrincipalExists,
    add_member,
    create_group,
    create_principal,
    remove_member,
)
from liftos.kernel.tenancy.queries import OrganisationNotFound, find_organisation, viewer_of
from liftos.kernel.tenancy.tokens.issuers import issuers
from liftos.kernel.tenancy.tokens.mapping import Holder, TokenNotMapped, holder_of
from liftos.kernel.tenancy.tokens.verifying import issuer_of, verify
from liftos.kernel.tenancy.types import SYSTEM, Actor, ActorKind, Principal, PrincipalKind

SEEN_EVERY = timedelta(minutes=5)


class UnknownPrincipal(PermissionDenied):
    """The token is valid, but its holder is not a principal of this organisation."""

    code = "tenancy.unknown_principal"


def caller_of(token: str, claimed_org: str, claimed_user: str) -> Principal:
    """Return the caller that a token speaks for.

    Args:
        token: a JWT, not yet verified.
        claimed_org: the header x-org-id; chooses among several organisations of the token.
        claimed_user: the header x-user-id.

    Raises:
        InvalidToken: it is not a valid token of a configured issuer.
        PermissionDenied: its claims give no access to the organisation, or a header contradicts them.
        IssuerUnavailable: the issuer's keys are not known and it does not answer.
    """
    issuer = issuer_of(token)
    holder = holder_of(verify(token, issuer, audience=issuer.audience), issuer)
    organisation = _organisation(holder, claimed_org)
    identity = identity_of(organisation.id, holder)
    if holder.kind is PrincipalKind.PERSON:
        if claimed_user not in ("", holder.name, holder.subject):
            raise PermissionDenied("The x-user-id header does not match the token's holder.")
        claimed_user = holder.name
    groups = None if holder.groups is None else _groups(organisation.id, holder.groups)
    return Principal(
        organisation=organisation.id,
        slug=organisation.slug,
        actor=Actor(ActorKind.PRINCIPAL, str(identity.principal_id), claimed_user),
        scopes=holder.scopes,
        viewer=viewer_of(organisation=organisation.id, principal=identity.principal_id, groups=groups),
    )


def scopes_of_principal(*, organisation: UUID, principal: UUID) -> list[str]:
    """Return the scopes of a principal's most recently issued token; none if it is older than LIFTOS_OIDC_AUTHORITY_HOURS."""
    since = timezone.now() - timedelta(hours=settings.LIFTOS_OIDC_AUTHORITY_HOURS)
    with tenant_transaction(organisation):
        found = TokenIdentity.objects.filter(
            organisation_id=organisation,
            principal_id=principal,
            seen_at__gte=since,
            issuer__in=[each.issuer for each in issuers().values()],
        ).first()
    return [] if found is None else found.scopes


def _organisation(holder: Holder, claimed: str) -> Organisation:
    try:
        known = [find_organisation(each) for each in holder.organisations]
    except OrganisationNotFound:
        raise TokenNotMapped("The token names an organisation that does not exist.") from None
    if claimed:
        known = [each for each in known if claimed in (each.slug, str(each.id))]
        if not known:
            raise PermissionDenied("The x-org-id header does not match the token's organisation.")
    if len(known) > 1:
        raise TokenNotMapped("The token names several organisations; choose one with the x-org-id header.")
    return known[0]


def identity_of(organisation: UUID, holder: Holder) -> TokenIdentity:
    """Return the stored identity of a holder, linked to its principal and brought up to what its token says.

    Raises:
        UnknownPrincipal: there is no principal of its name, or it is of another kind or another subject's.
    """
    with tenant_transaction(organisation):
        found = TokenIdentity.objects.filter(
            organisation_id=organisation, issuer=holder.issuer, subject=holder.subject
        ).first()
    if found is None:
        found = _link(organisation, holder)
    elif holder.issued_at < found.issued_at:
        return found  # a more recently issued token decides what is stored
    changed = (
        found.issued_at == 0
        or set(found.scopes) != {str(each) for each in holder.scopes}
        or (holder.groups is not None and set(found.groups) != set(holder.groups))
        or timezone.now() - found.seen_at > SEEN_EVERY
    )
    return _store(organisation, holder, found) if changed else found


def _link(organisation: UUID, holder: Holder) -> TokenIdentity:
    """Link a subject to the principal of its name, which must be of its kind and not linked to another subject."""
    with tenant_transaction(organisation):
        principal = PrincipalRecord.objects.filter(organisation_id=organisation, name=holder.name).first()
    if principal is None:
        if not settings.LIFTOS_OIDC_CREATE_PRINCIPALS:
            raise UnknownPrincipal
        try:
            principal = create_principal(
                organisation=organisation, by=SYSTEM, name=holder.name, kind=holder.kind
            )
        except PrincipalExists:  # made by a concurrent request
            return identity_of(organisation, holder)
    if principal.kind != holder.kind:
        raise UnknownPrincipal
    try:
        with tenant_transaction(organisation), transaction.atomic():
            made = TokenIdentity.objects.create(
                organisation_id=organisation,
                principal=principal,
                issuer=holder.issuer,
                subject=holder.subject,
                seen_at=timezone.now(),
            )
            decision_recorder()(
                organisation=organisation,
                by=SYSTEM,
                operation="principal.link",
                effect="write",
                risk_class="limited",
                subject=("principal", str(principal.id)),
                reasoning=f"Linked {principal} to the tokens of its subject at {holder.issuer}.",
                inputs={"issuer": holder.issuer},
            )
    except IntegrityError:
        with tenant_transaction(organisation):
            other = TokenIdentity.objects.filter(
                organisation_id=organisation, issuer=holder.issuer, subject=holder.subject
            ).first()
        if other is None:  # the principal is another subject's: names may be reassigned, subjects are not
            raise UnknownPrincipal from None
        return other
    return made


def _store(organisation: UUID, holder: Holder, identity: TokenIdentity) -> TokenIdentity:
    """Store what the most recently issued token says: rights, and memberships if the issuer states groups."""
    with tenant_transaction(organisation):
        row = (
            TokenIdentity.objects.select_for_update(of=("self",))
            .select_related("principal")
            .get(pk=identity.pk)
        )
        if holder.issued_at < row.issued_at:
            return row
        if holder.groups is not None:
            _join(organisation, row, holder.groups)
        row.scopes, row.issued_at = sorted(holder.scopes), holder.issued_at
        row.groups = list(holder.groups or ())
        row.seen_at = timezone.now()
        row.save(update_fields=["scopes", "groups", "issued_at", "seen_at"])
    return row


def _join(organisation: UUID, row: TokenIdentity, names: tuple[str, ...]) -> None:
    wanted = {each.id: each for each in Group.objects.filter(organisation_id=organisation, name__in=names)}
    if settings.LIFTOS_OIDC_CREATE_GROUPS:
        for name in set(names) - {each.name for each in wanted.values()}:
            try:
                made = create_group(organisation=organisation, by=SYSTEM, name=name)
            except GroupExists:  # made by a concurrent request
                made = Group.objects.get(organisation_id=organisation, name=name)
            wanted[made.id] = made
    current = {
        each.id: each
        for each in Group.objects.filter(organisation_id=organisation, members__principal_id=row.principal_id)
    }
    for ident in wanted.keys() - current.keys():
        add_member(organisation=organisation, by=SYSTEM, group=wanted[ident], principal=row.principal)
    for ident in current.keys() - wanted.keys():
        remove_member(organisation=organisation, by=SYSTEM, group=current[ident], principal=row.principal)


def _groups(organisation: UUID, names: tuple[str, ...]) -> tuple[UUID, ...]:
    with tenant_transaction(organisation):
        found = Group.objects.filter(organisation_id=organisation, name__in=names)
        return tuple(found.values_list("id", flat=True))
