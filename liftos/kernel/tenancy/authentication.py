"""Authentication of HTTP requests. The organisation comes from the credential.

The first rule that applies decides:

1. One of our API keys (`Authorization: Bearer` or `X-Api-Key`; a view may take other schemes), recognised by its prefix, determines the organisation. The
   old platform's `x-org-id`, if sent, must agree; `x-user-id` is a claim. An invalid key is 401, whoever sends it.
2. A socket peer in LIFTOS_TRUSTED_PROXIES (with the shared secret, if one is set) is a gateway: its `x-org-id` and
   `x-user-id` count; without `x-org-id`, the organisation is LIFTOS_TRUSTED_DEFAULT_ORG. Other credentials in the request
   are the gateway's to check. A peer that sends neither header, without a default organisation, is treated as any other.
3. A JWT of an issuer in LIFTOS_OIDC_ISSUERS (`Authorization: Bearer`) determines organisation, principal, groups and rights
   (liftos.kernel.tenancy.tokens).
4. Otherwise 401.

A key with the right `act_as` acts for the principal that `X-Act-As` names, by name or id: it then sees what that principal sees, and
nothing else. An administrator's `X-Break-Glass` opens what somebody else sees (liftos.kernel.tenancy.break_glass). With LIFTOS_USER_IS_PRINCIPAL, `x-user-id` names that principal, also behind a gateway.

Context headers that occur twice or contain a comma are rejected: a gateway that adds its `x-org-id` beside the caller's
would otherwise expose another organisation's data.
"""

import hmac
import ipaddress
import logging
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.text import slugify
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from liftos.kernel.db.viewers import EVERYBODY
from liftos.kernel.errors import InvalidInput, LiftosError, NotAuthenticated, PermissionDenied
from liftos.kernel.tenancy.break_glass import reading_under
from liftos.kernel.tenancy.keys import parse_key
from liftos.kernel.tenancy.known_keys import forget_key, known_key, viewer_of_named
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.operations import OrganisationExists, create_organisation, touch_api_key
from liftos.kernel.tenancy.queries import OrganisationNotFound, get_organisation
from liftos.kernel.tenancy.tokens.callers import caller_of
from liftos.kernel.tenancy.tokens.issuers import issuers
from liftos.kernel.tenancy.tokens.verifying import looks_like_token
from liftos.kernel.tenancy.types import (
    GATEWAY_SCOPES,
    LOG_TOKEN_SCOPES,
    MAX_USER,
    Actor,
    ActorKind,
    Principal,
    Scope,
)

TOUCH_EVERY = timedelta(minutes=1)
MAX_SLUG = 63
# anywhere in a credential: one of our keys combined with something else is an invalid key, not a gateway's credential
_OWN_KEY = re.compile(r"(?:^|[\s,])liftos_")
logger = logging.getLogger("liftos.kernel.tenancy")


class AmbiguousHeader(LiftosError):
    """A context header occurs more than once."""

    code = "tenancy.ambiguous_header"
    status = 400


class InvalidKey(NotAuthenticated):
    """The API key is not valid."""

    code = "tenancy.invalid_key"


class PrincipalAuthentication(BaseAuthentication):
    """Adapts `authenticate_request` to DRF."""

    def authenticate(self, request: Request) -> tuple[Principal, Any] | None:
        """Return the principal; raise if there is none, instead of continuing anonymously."""
        return authenticate_request(request._request), None

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge that makes DRF answer 401."""
        del request
        return 'Bearer realm="liftos"'


class LogTokenAuthentication(PrincipalAuthentication):
    """Authenticates a log token (a key whose only scope is ledger:follow) in the path parameter `token`; ignores headers."""

    def authenticate(self, request: Request) -> tuple[Principal, Any]:
        """Return the principal.

        Raises:
            InvalidKey: not a valid log token.
        """
        principal = _principal_of(request.parser_context["kwargs"]["token"], "", "")
        if principal.scopes != LOG_TOKEN_SCOPES:
            raise InvalidKey
        return principal, None


def authenticate_request(request: HttpRequest) -> Principal:
    """Return the caller, reading under the break-glass that `X-Break-Glass` names.

    Raises:
        NoBreakGlass: it names none of the caller's that is in force.
        LiftosError: as for `_caller_of`.
    """
    caller = _caller_of(request)
    if "x-break-glass" not in request.headers:
        return caller
    if "x-act-as" in request.headers:
        raise PermissionDenied("X-Break-Glass and X-Act-As exclude each other.")
    glass, match = _single_header(request, "x-break-glass"), request.resolver_match
    page, named = (
        (f"{request.method} /{match.route}", match.kwargs)
        if match is not None
        else (request.method or "", {})
    )
    return reading_under(caller, glass, page=page, named=named, now=timezone.now())


def _caller_of(request: HttpRequest) -> Principal:
    """Return the caller.

    Raises:
        NotAuthenticated: no valid credential.
        IssuerUnavailable: a token can't be verified now.
        AmbiguousHeader: a repeated or comma-joined context header.
        PermissionDenied: x-org-id names an organisation other than the key's, or one that does not exist.
    """
    claimed_org = _single_header(request, "x-org-id")
    claimed_user = _single_header(request, "x-user-id")
    acts_as = _single_header(request, "x-act-as") if "x-act-as" in request.headers else None
    credentials = _credentials(request)
    own = next((each for each in credentials if _OWN_KEY.search(each)), "")
    if own:
        principal = _from_key(own, claimed_org, claimed_user)
        if settings.LIFTOS_USER_IS_PRINCIPAL and principal.may(Scope.ACT_AS):
            acts_as = acts_as if acts_as is not None else claimed_user or None
        return principal if acts_as is None else _acting_as(principal, acts_as)
    if acts_as is not None and (credentials or _peer_is_trusted(request)):
        # ignored, it would show the caller's own view in place of the one asked for
        raise PermissionDenied("Only an API key may act as a principal.")
    token = _token(request)
    names_nobody = not (claimed_org or claimed_user or settings.LIFTOS_TRUSTED_DEFAULT_ORG)
    if _peer_is_trusted(request) and not (token and names_nobody):
        principal = _from_gateway(request, claimed_org, claimed_user)
        if settings.LIFTOS_USER_IS_PRINCIPAL and claimed_user:
            viewer = viewer_of_named(principal.organisation, claimed_user) or EVERYBODY
            return replace(principal, viewer=viewer)
        return principal
    if token:
        return caller_of(token, claimed_org, claimed_user)
    raise InvalidKey if credentials else NotAuthenticated


def _from_key(token: str, claimed_org: str, claimed_user: str) -> Principal:
    principal = _principal_of(token, claimed_org, claimed_user)
    if principal.scopes == LOG_TOKEN_SCOPES:
        # log tokens may be known from URLs, and some routes require no scope
        raise InvalidKey
    return principal


def _acting_as(caller: Principal, named: str) -> Principal:
    """Return a caller who acts for a principal.

    Raises:
        PermissionDenied: the key lacks `act_as`, or there is no such principal; which of both is not told.
    """
    viewer = viewer_of_named(caller.organisation, named) if caller.may(Scope.ACT_AS) else None
    if viewer is None:
        raise PermissionDenied("This key may not act as that principal.")
    actor = replace(caller.actor, on_behalf_of=named)
    return replace(caller, actor=actor, viewer=viewer)


def _principal_of(token: str, claimed_org: str, claimed_user: str) -> Principal:
    parts = parse_key(token)
    record = known_key(parts.prefix) if parts else None
    now = timezone.now()
    if parts is None or record is None or not parts.matches(record.secret_hash) or not record.is_valid(now):
        raise InvalidKey
    if claimed_org and claimed_org not in (record.slug, str(record.organisation)):
        raise PermissionDenied("The x-org-id header does not match the API key's organisation.")
    if record.last_used_at is None or now - record.last_used_at > TOUCH_EVERY:
        touch_api_key(organisation=record.organisation, key=record.id, now=now)
        forget_key(parts.prefix)  # otherwise the next request would update it again
    return Principal(
        organisation=record.organisation,
        slug=record.slug,
        actor=Actor(ActorKind.API_KEY, str(record.id), claimed_user),
        scopes=frozenset(scope for scope in Scope if scope in record.scopes),
        viewer=record.viewer,
        expires_at=record.expires_at,
    )


def _from_gateway(request: HttpRequest, claimed_org: str, claimed_user: str) -> Principal:
    if claimed_org and claimed_user:
        actor = Actor(ActorKind.GATEWAY, claimed_user, claimed_user)
        organisation = _gateway_organisation(claimed_org, actor)
    elif settings.LIFTOS_TRUSTED_DEFAULT_ORG and not claimed_org:
        # a service that names no user is identified by its address
        actor = Actor(ActorKind.GATEWAY, claimed_user or request.META["REMOTE_ADDR"], claimed_user)
        organisation = _default_organisation()
    else:
        raise NotAuthenticated
    return Principal(organisation=organisation.id, slug=organisation.slug, actor=actor, scopes=GATEWAY_SCOPES)


def _default_organisation() -> Organisation:
    slug = settings.LIFTOS_TRUSTED_DEFAULT_ORG
    found = Organisation.objects.filter(slug=slug).first()
    if found is None:
        logger.error(
            "the organisation in LIFTOS_TRUSTED_DEFAULT_ORG does not exist", extra={"organisation": slug}
        )
        raise PermissionDenied("The default organisation does not exist; send x-org-id.")
    return found


def _gateway_organisation(slug: str, actor: Actor) -> Organisation:
    try:
        return get_organisation(slug)
    except OrganisationNotFound:
        if not settings.LIFTOS_TRUSTED_CREATE:
            raise PermissionDenied("The x-org-id header names an organisation that does not exist.") from None
    if slugify(slug) != slug or len(slug) > MAX_SLUG:
        # turned into a slug, it would not be found again by the name in the header, or match another organisation
        raise InvalidInput(
            f"An organisation's name must be at most {MAX_SLUG} lower-case letters, digits, hyphens and underscores.",
            loc=("header", "x-org-id"),
        )
    try:
        return create_organisation(name=slug, by=actor)
    except OrganisationExists:  # created by a concurrent request
        return get_organisation(slug)


def _credentials(request: HttpRequest) -> list[str]:
    """Return the possible keys: the bearer token, then X-Api-Key.

    Raises:
        InvalidKey: one of our keys with a scheme that the route does not take, or several tokens in one header: it is unknown
            which one the gateway has checked.
    """
    authorization = request.headers.get("authorization", "").strip()
    api_key = request.headers.get("x-api-key", "").strip()
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" or (scheme and scheme.lower() in _schemes_of(request)):
        if "," in token:
            raise InvalidKey
        return [each for each in (token.strip(), api_key) if each]
    if _OWN_KEY.search(authorization) and not _OWN_KEY.search(api_key):
        raise InvalidKey
    return [api_key] if api_key else []


def _schemes_of(request: HttpRequest) -> frozenset[str]:
    """Return the schemes beside Bearer that a request's view takes keys by, its `key_schemes`."""
    try:
        match = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return frozenset()
    return getattr(getattr(match.func, "view_class", None), "key_schemes", frozenset())


def _token(request: HttpRequest) -> str:
    """Return the bearer token if it may be a JWT and issuers are configured, else ""."""
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and looks_like_token(token) and issuers() else ""


def _single_header(request: HttpRequest, name: str) -> str:
    # the WSGI server joins repeated headers with commas, so one rule covers both
    value = _text(request.headers.get(name, "")).strip()
    if "," in value:
        raise AmbiguousHeader(f"The {name} header must occur once, without a comma.", loc=("header", name))
    if len(value) > MAX_USER or "\x00" in value:
        raise InvalidInput(f"The {name} header is too long or contains NUL.", loc=("header", name))
    return value


def _text(value: str) -> str:
    # WSGI decodes headers as Latin-1, but names in them are nearly always UTF-8
    raw = value.encode("latin-1", "replace")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _peer_is_trusted(request: HttpRequest) -> bool:
    # the socket's peer: clients can forge X-Forwarded-For
    try:
        peer = ipaddress.ip_address(request.META.get("REMOTE_ADDR", ""))
    except ValueError:
        return False
    # a dual-stack socket shows an IPv4 peer as ::ffff:a.b.c.d
    peer = getattr(peer, "ipv4_mapped", None) or peer
    if not any(peer in network for network in settings.LIFTOS_TRUSTED_PROXIES):
        return False
    secret = settings.LIFTOS_TRUSTED_PROXY_SECRET
    given = request.headers.get("x-liftos-proxy-secret", "")
    return not secret or hmac.compare_digest(given.encode(), secret.encode())
