"""The issuers whose tokens are accepted: LIFTOS_OIDC_ISSUERS, a JSON object of issuers by short name (docs/sign-in.md)."""

import ipaddress
import json
from functools import lru_cache
from typing import Annotated, Literal
from urllib.parse import urlsplit

from django.conf import settings
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from liftos.kernel.tenancy.roles import ROLE_SCOPES
from liftos.kernel.tenancy.types import ALL_SCOPES, PrincipalKind, Role, Scope

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def secure_url(url: str) -> str:
    """Return the URL.

    Raises:
        ValueError: neither https nor http on this machine, or it contains credentials.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if not host or parts.username is not None or parts.fragment:
        raise ValueError("must be a URL without credentials and fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(host)):
        raise ValueError("must begin with https:// (http:// only for this machine)")
    return url


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _rights(value: str | list[str]) -> str | list[str]:
    known = set(Role) if isinstance(value, str) else {str(scope) for scope in ALL_SCOPES}
    unknown = [each for each in ([value] if isinstance(value, str) else value) if each not in known]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is neither a role nor a list of scopes")
    return value


Url = Annotated[str, AfterValidator(secure_url)]
Rights = Annotated[str | list[str], AfterValidator(_rights)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class Issuer(BaseModel):
    """An issuer and what its claims mean. A claim is named exactly, or by a path such as `realm_access.roles`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: Url
    audience: Annotated[list[Name], BeforeValidator(_listed), Field(min_length=1)]
    algorithms: Annotated[list[Algorithm], Field(min_length=1)] = ["RS256", "ES256"]
    leeway: Annotated[float, Field(ge=0, le=300)] = 30
    jwks_uri: Url | None = None
    organisation: Name | None = None
    organisation_claim: Name | None = None
    principal_claim: Name = "sub"
    kind: PrincipalKind = PrincipalKind.PERSON
    kind_claim: Name | None = None
    groups_claim: Name | None = None
    rights_claim: Name | None = None
    rights: dict[str, Rights] = {}
    default_rights: Rights = []

    @model_validator(mode="after")
    def _complete(self) -> "Issuer":
        if (self.organisation is None) == (self.organisation_claim is None):
            raise ValueError("needs either organisation or organisation_claim")
        return self


def scopes_of(rights: str | list[str]) -> frozenset[Scope]:
    """Return the scopes of a role's name or of a list of scopes."""
    return ROLE_SCOPES[Role(rights)] if isinstance(rights, str) else frozenset(map(Scope, rights))


def issuers() -> dict[str, Issuer]:
    """Return the issuers by short name; none if the setting is invalid, which a check reports."""
    return _read(json.dumps(settings.LIFTOS_OIDC_ISSUERS))[0]


def unusable_issuers() -> list[str]:
    """Return what is wrong with the setting, one sentence each."""
    return _read(json.dumps(settings.LIFTOS_OIDC_ISSUERS))[1]


@lru_cache(maxsize=8)
def _read(text: str) -> tuple[dict[str, Issuer], list[str]]:
    found: dict[str, Issuer] = {}
    problems: list[str] = []
    for name, fields in json.loads(text).items():
        if not name.isascii() or not name.replace("-", "").isalnum() or len(name) > 40:
            problems.append(f"LIFTOS_OIDC_ISSUERS: {name[:40]!r} must be letters, digits and hyphens.")
            continue
        try:
            found[name] = Issuer.model_validate(fields)
        except ValidationError as error:
            # without the values, which may be secrets
            problems += [
                f"LIFTOS_OIDC_ISSUERS: {'.'.join(map(str, (name, *each['loc'])))}: {each['msg']}."
                for each in error.errors(include_input=False, include_context=False, include_url=False)
            ]
    named = [each.issuer for each in found.values()]
    problems += [
        f"LIFTOS_OIDC_ISSUERS: {each} occurs twice."
        for each in sorted({x for x in named if named.count(x) > 1})
    ]
    return ({}, problems) if problems else (found, [])
