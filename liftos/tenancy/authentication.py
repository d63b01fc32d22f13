"""From an HTTP request to a principal. The organisation comes from the credential.

Three ways in:

- an API key (`Authorization: Bearer` or `X-Api-Key`): fixes the organisation; the seed's headers `x-org-id` and
  `x-user-id` are then claims that must agree;
- the seed's headers alone, from a socket peer inside LIFTOS_TRUSTED_PROXIES (and with the shared secret, if one
  is set): for a private network behind a gateway;
- neither: 401.

A header that stands twice, or holds a comma, is refused in all three: a gateway that adds its own `x-org-id`
beside the caller's would otherwise hand one organisation's data to another.
"""

import hmac
import ipaddress
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import slugify
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from liftos.errors import InvalidInput, LiftosError, NotAuthenticated, PermissionDenied
from liftos.tenancy.keys import parse_key
from liftos.tenancy.known_keys import forget_key, known_key
from liftos.tenancy.models import Organisation
from liftos.tenancy.operations import OrganisationExists, create_organisation, touch_api_key
from liftos.tenancy.queries import OrganisationNotFound, get_organisation
from liftos.tenancy.types import GATEWAY_SCOPES, Actor, ActorKind, Principal, Scope

TOUCH_EVERY = timedelta(minutes=1)
MAX_USER_ID = 200
MAX_SLUG = 63


class AmbiguousHeader(LiftosError):
    """A context header stands more than once."""

    code = "tenancy.ambiguous_header"
    status = 400


class InvalidKey(NotAuthenticated):
    """The API key is not valid."""

    code = "tenancy.invalid_key"


class PrincipalAuthentication(BaseAuthentication):
    """DRF's door to `authenticate_request`."""

    def authenticate(self, request: Request) -> tuple[Principal, Any] | None:
        """Return the principal; raises rather than letting a request in as nobody."""
        return authenticate_request(request._request), None

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge that makes DRF answer 401."""
        del request
        return 'Bearer realm="liftos"'


def authenticate_request(request: HttpRequest) -> Principal:
    """Return who is asking.

    Raises:
        NotAuthenticated: no usable credential.
        AmbiguousHeader: a repeated or comma-joined context header.
        PermissionDenied: a header names another organisation than the key.
    """
    claimed_org = _single_header(request, "x-org-id")
    claimed_user = _single_header(request, "x-user-id")
    token = _token(request)
    if token:
        return _from_key(token, claimed_org, claimed_user)
    if not (claimed_org and claimed_user and _peer_is_trusted(request)):
        raise NotAuthenticated
    return _from_gateway(claimed_org, claimed_user)


def _from_key(token: str, claimed_org: str, claimed_user: str) -> Principal:
    parts = parse_key(token)
    record = known_key(parts.prefix) if parts else None
    now = timezone.now()
    if (
        parts is None
        or record is None
        or not parts.matches(record.secret_hash)
        or record.revoked_at is not None
        or (record.expires_at is not None and record.expires_at <= now)
    ):
        raise InvalidKey
    if claimed_org and claimed_org not in (record.slug, str(record.organisation)):
        raise PermissionDenied("The x-org-id header names another organisation than the API key.")
    if record.last_used_at is None or now - record.last_used_at > TOUCH_EVERY:
        touch_api_key(organisation=record.organisation, key=record.id, now=now)
        forget_key(parts.prefix)  # or the next would touch it again
    return Principal(
        organisation=record.organisation,
        slug=record.slug,
        actor=Actor(ActorKind.API_KEY, str(record.id), claimed_user),
        scopes=frozenset(scope for scope in Scope if scope in record.scopes),
    )


def _from_gateway(slug: str, user: str) -> Principal:
    actor = Actor(ActorKind.GATEWAY, user, user)
    organisation = _gateway_organisation(slug, actor)
    return Principal(organisation=organisation.id, slug=organisation.slug, actor=actor, scopes=GATEWAY_SCOPES)


def _gateway_organisation(slug: str, actor: Actor) -> Organisation:
    try:
        return get_organisation(slug)
    except OrganisationNotFound:
        if not settings.LIFTOS_TRUSTED_CREATE:
            raise PermissionDenied("The x-org-id header names an organisation that does not exist.") from None
    if slugify(slug) != slug or len(slug) > MAX_SLUG:
        # made into a slug it would not be found again under the name it was sent as, or be another's
        raise InvalidInput(
            f"An organisation is made of at most {MAX_SLUG} lower-case letters, digits, hyphens and underscores.",
            loc=("header", "x-org-id"),
        )
    try:
        return create_organisation(name=slug, by=actor)
    except OrganisationExists:  # two first requests at once: the other one made it
        return get_organisation(slug)


def _token(request: HttpRequest) -> str:
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credential.strip()
    return request.headers.get("x-api-key", "").strip()


def _single_header(request: HttpRequest, name: str) -> str:
    # the WSGI server joins repeated headers with commas, so one rule covers both
    value = _text(request.headers.get(name, "")).strip()
    if "," in value:
        raise AmbiguousHeader(f"The {name} header must stand once, without a comma.", loc=("header", name))
    if len(value) > MAX_USER_ID or "\x00" in value:
        raise InvalidInput(f"The {name} header is too long or not text.", loc=("header", name))
    return value


def _text(value: str) -> str:
    # WSGI hands a header's bytes over as Latin-1; a name in them is nearly always UTF-8
    raw = value.encode("latin-1", "replace")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _peer_is_trusted(request: HttpRequest) -> bool:
    # the socket's own peer: X-Forwarded-For is the client's to write
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
