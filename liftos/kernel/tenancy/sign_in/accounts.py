"""Staff accounts of people who sign in at a provider. An account is found by issuer and subject, never by name or e-mail."""

from hashlib import sha256
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import LiftosError, PermissionDenied
from liftos.kernel.ports import decision_recorder
from liftos.kernel.tenancy.members import link_member
from liftos.kernel.tenancy.models import Membership, Organisation, PrincipalRecord, StaffIdentity
from liftos.kernel.tenancy.queries import OrganisationNotFound, find_organisation
from liftos.kernel.tenancy.sign_in.providers import Provider
from liftos.kernel.tenancy.tokens.callers import UnknownPrincipal, identity_of
from liftos.kernel.tenancy.tokens.mapping import Holder, TokenNotMapped, holder_of, rights_of
from liftos.kernel.tenancy.types import SYSTEM, Role

MAX_USERNAME = 100


class NoAccess(PermissionDenied):
    """You have signed in, but nothing here is open to you."""

    code = "tenancy.no_access"


def account_of(claims: dict[str, Any], provider: Provider, *, name: str) -> User:
    """Return the staff account of whoever has signed in, with the memberships that the claims give and no others.

    An account is made only for claims that give a role. Whoever had one and has lost the claims loses access now.

    Args:
        claims: verified.
        provider: where they signed in.
        name: the provider's short name.

    Raises:
        NoAccess: the claims give no access, or the account is inactive or a superuser's.
    """
    found = (
        StaffIdentity.objects.select_related("user")
        .filter(issuer=provider.issuer, subject=claims["sub"])
        .first()
    )
    if found is not None and (not found.user.is_active or found.user.is_superuser):
        raise NoAccess
    try:
        holder, organisations, role = _access(claims, provider)
    except (TokenNotMapped, NoAccess):
        if found is not None:
            with transaction.atomic():
                _leave(found.user, keep=set())
                User.objects.filter(pk=found.user.pk).update(is_staff=False)
        raise NoAccess from None
    with transaction.atomic():
        user = found.user if found is not None else _create(holder, provider, name)
        if not user.is_staff:
            user.is_staff = True
            user.save(update_fields=["is_staff"])
        _leave(user, keep={each.id for each in organisations})
    for each in organisations:
        _join(user, each, role, holder)
    return user


def _access(claims: dict[str, Any], provider: Provider) -> tuple[Holder, list[Organisation], Role]:
    if provider.email_domains:
        email = claims.get("email")
        domain = email.rpartition("@")[2].lower() if isinstance(email, str) and "@" in email else ""
        allowed = {each.lower().lstrip("@") for each in provider.email_domains}
        if claims.get("email_verified") is not True or domain not in allowed:
            raise NoAccess
    holder = holder_of(claims, provider)
    role = provider.role_of(rights_of(claims, provider))
    organisations = []
    for named in holder.organisations:
        try:
            organisations.append(find_organisation(named))
        except OrganisationNotFound:
            continue
    if role is None or not organisations:
        raise NoAccess
    return holder, organisations, role


def _create(holder: Holder, provider: Provider, name: str) -> User:
    username = f"{holder.name[:MAX_USERNAME]}@{name}"
    if User.objects.filter(username=username).exists():
        # another subject had this name before
        digest = sha256(f"{provider.issuer}|{holder.subject}".encode()).hexdigest()
        username = f"{username}-{digest[:8]}"
    try:
        with transaction.atomic():
            user = User.objects.create_user(username, password=None, is_staff=True)
            StaffIdentity.objects.create(user=user, issuer=provider.issuer, subject=holder.subject)
    except IntegrityError:
        # a concurrent sign-in made it
        made = (
            StaffIdentity.objects.select_related("user")
            .filter(issuer=provider.issuer, subject=holder.subject)
            .first()
        )
        if made is None:
            raise NoAccess from None
        return made.user
    return user


def _leave(user: User, *, keep: set[UUID]) -> None:
    for each in Membership.objects.filter(user=user).exclude(organisation_id__in=keep):
        with tenant_transaction(each.organisation_id):
            _record(
                each.organisation_id,
                "principal.leave",
                user,
                f"{user} is no longer a member, by the claims of their sign-in.",
            )
            each.delete()


def _join(user: User, organisation: Organisation, role: Role, holder: Holder) -> None:
    principal = _principal(organisation.id, holder)
    with tenant_transaction(organisation.id):
        member, made = Membership.objects.get_or_create(
            user=user, organisation=organisation, defaults={"role": role.value}
        )
        if made or member.role != role:
            member.role = role.value
            member.save(update_fields=["role"])
            _record(
                organisation.id,
                "principal.join",
                user,
                f"{user} is a member with the role {role}, by the claims of their sign-in.",
            )
        try:
            link_member(by=SYSTEM, membership=member, principal=principal)
        except LiftosError as error:
            raise NoAccess(error.message) from None


def _principal(organisation: UUID, holder: Holder) -> PrincipalRecord | None:
    try:
        identity = identity_of(organisation, holder)
    except UnknownPrincipal:
        # a member who is nobody sees what everybody sees
        return None
    with tenant_transaction(organisation):
        return PrincipalRecord.objects.get(organisation_id=organisation, id=identity.principal_id)


def _record(organisation: UUID, operation: str, user: User, reasoning: str) -> None:
    decision_recorder()(
        organisation=organisation,
        by=SYSTEM,
        operation=operation,
        effect="write",
        risk_class="limited",
        subject=("staff", user.get_username()),
        reasoning=reasoning,
        inputs={},
    )
