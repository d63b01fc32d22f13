"""The providers at which staff sign in: LIFTOS_ADMIN_OIDC, a JSON object of providers by short name (docs/sign-in.md)."""

import json
import os
from functools import lru_cache
from typing import Annotated, Any

from django.conf import settings
from pydantic import Field, ValidationError, field_validator, model_validator

from liftos.kernel.tenancy.tokens.issuers import Issuer, Name
from liftos.kernel.tenancy.types import Role


class Provider(Issuer):
    """An OpenID Connect provider: what its claims mean, as for tokens, and how we are known there."""

    audience: list[Name] = []
    client_id: Name
    # the environment variable that holds it; none for a public client, which PKCE alone protects
    client_secret_env: Name | None = None
    client_auth: str = "client_secret_basic"
    label: Name = "single sign-on"
    scope: Name = "openid profile email"
    # if any: the claim `email` must be verified and of one of these
    email_domains: Annotated[list[Name], Field(max_length=100)] = []

    @field_validator("client_auth")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in ("client_secret_basic", "client_secret_post"):
            raise ValueError("must be client_secret_basic or client_secret_post")
        return value

    @model_validator(mode="after")
    def _roles(self) -> "Provider":
        granted = [*self.rights.values(), *([self.default_rights] if self.default_rights else [])]
        if not all(isinstance(each, str) for each in granted):
            raise ValueError("rights of staff must be roles")
        if self.audience:
            raise ValueError("audience is the client_id here")
        if self.client_secret_env and not os.environ.get(self.client_secret_env):
            raise ValueError(f"the environment variable {self.client_secret_env} is empty")
        return self

    @property
    def client_secret(self) -> str:
        """The client's secret, "" for a public client."""
        return os.environ.get(self.client_secret_env, "") if self.client_secret_env else ""

    def role_of(self, values: list[str]) -> Role | None:
        """Return the most privileged role that the values of the rights claim stand for, or None."""
        granted = [self.rights[each] for each in values if each in self.rights] or [self.default_rights]
        roles = [Role(each) for each in granted if isinstance(each, str)]
        return max(roles, key=list(Role).index, default=None)


def providers() -> dict[str, Provider]:
    """Return the providers by short name; none if the setting is invalid, which a check reports."""
    return _read(json.dumps(settings.LIFTOS_ADMIN_OIDC))[0]


def unusable_providers() -> list[str]:
    """Return the problems of the setting, one sentence each."""
    return _read(json.dumps(settings.LIFTOS_ADMIN_OIDC))[1]


@lru_cache(maxsize=8)
def _read(text: str) -> tuple[dict[str, Provider], list[str]]:
    found: dict[str, Provider] = {}
    problems: list[str] = []
    given: dict[str, Any] = json.loads(text)
    for name, fields in given.items():
        if not name.isascii() or not name.replace("-", "").isalnum() or len(name) > 40:
            problems.append(f"LIFTOS_ADMIN_OIDC: {name[:40]!r} must be letters, digits and hyphens.")
            continue
        try:
            found[name] = Provider.model_validate(fields)
        except ValidationError as error:
            # without the values, which may be secrets
            problems += [
                f"LIFTOS_ADMIN_OIDC: {'.'.join(map(str, (name, *each['loc'])))}: {each['msg']}."
                for each in error.errors(include_input=False, include_context=False, include_url=False)
            ]
    return ({}, problems) if problems else (found, [])
