"""Who is asking, and for whom. No Django here."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID


class Scope(StrEnum):
    """What an API key may do."""

    MEMORY_READ = "memory:read"
    MEMORY_WRITE = "memory:write"
    MEMORY_PROPOSE = "memory:propose"
    SPACES_READ = "spaces:read"
    SPACES_WRITE = "spaces:write"
    WORKFLOWS_WRITE = "workflows:write"
    WORKFLOWS_RUN = "workflows:run"
    DECISIONS_READ = "decisions:read"
    DECISIONS_WRITE = "decisions:write"
    DECISIONS_REVIEW = "decisions:review"
    LEDGER_FOLLOW = "ledger:follow"
    ADMIN = "admin"


# a key that stands in addresses opens nothing but the log there, and no other key stands in addresses
LOG_TOKEN_SCOPES = frozenset({Scope.LEDGER_FOLLOW})
ALL_SCOPES = frozenset(Scope) - LOG_TOKEN_SCOPES


def with_implied(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """Return scopes with those that they include: who may write memories may propose them."""
    given = frozenset(scopes)
    return given | {Scope.MEMORY_PROPOSE} if Scope.MEMORY_WRITE in given else given


# what a context header behind a trusted gateway is worth: everything but running the organisation
GATEWAY_SCOPES = ALL_SCOPES - {Scope.ADMIN}


class Role(StrEnum):
    """What a person is in an organisation, or a key stands for; what each may do is in liftos.kernel.tenancy.roles."""

    AUDITOR = "auditor"
    REVIEWER = "reviewer"
    CURATOR = "curator"
    OWNER = "owner"


class ActorKind(StrEnum):
    """What kind of party did something."""

    API_KEY = "api_key"
    GATEWAY = "gateway"
    STAFF = "staff"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something; `on_behalf_of` is the user id the caller named, a claim rather than a proof."""

    kind: ActorKind
    id: str
    on_behalf_of: str = ""


SYSTEM = Actor(ActorKind.SYSTEM, "liftos")


MAX_USER = 200
"""Characters of a user's id that a request names."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: one organisation, one actor, the scopes it was given."""

    organisation: UUID
    slug: str
    actor: Actor
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Return whether the credential opens what needs this scope; who may write may propose."""
        return scope in with_implied(self.scopes)

    def acting_for(self, user: str | int | None) -> Actor:
        """Return the caller as it acts for the user that a request names; one that a header names goes before."""
        if user is None or self.actor.on_behalf_of:
            return self.actor
        return replace(self.actor, on_behalf_of=str(user)[:MAX_USER])

    @property
    def is_authenticated(self) -> bool:
        """Tell Django and DRF that there is somebody here."""
        return True
