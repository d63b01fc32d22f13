"""Callers: scopes, roles, actors, principals. No Django here."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from liftos.kernel.db.viewers import EVERYBODY, Viewer


class Scope(StrEnum):
    """A right of an API key."""

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
    ACT_AS = "act_as"
    ADMIN = "admin"


# log tokens appear in URLs, so they may only follow the log, and no other key may appear in URLs
LOG_TOKEN_SCOPES = frozenset({Scope.LEDGER_FOLLOW})
# a key that may act for any principal must be asked for by name
ALL_SCOPES = frozenset(Scope) - LOG_TOKEN_SCOPES - {Scope.ACT_AS}


def with_implied(scopes: Iterable[Scope]) -> frozenset[Scope]:
    """Return scopes including implied ones: memory:write implies memory:propose."""
    given = frozenset(scopes)
    return given | {Scope.MEMORY_PROPOSE} if Scope.MEMORY_WRITE in given else given


# of callers behind a trusted gateway: everything but administration
GATEWAY_SCOPES = ALL_SCOPES - {Scope.ADMIN}


class Role(StrEnum):
    """A role of a staff member or key; liftos.kernel.tenancy.roles lists its rights."""

    AUDITOR = "auditor"
    REVIEWER = "reviewer"
    CURATOR = "curator"
    OWNER = "owner"


class PrincipalKind(StrEnum):
    """The kind of a principal."""

    PERSON = "person"
    AGENT = "agent"
    SERVICE = "service"


class ActorKind(StrEnum):
    """The kind of an actor."""

    API_KEY = "api_key"
    GATEWAY = "gateway"
    PRINCIPAL = "principal"
    STAFF = "staff"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """The author of an action.

    Attributes:
        kind: of the credential.
        id: of the credential, the person or the principal.
        on_behalf_of: the user id the caller named, which is not verified.
        principals: names and ids of the principals it is or acted for; only as `liftos.kernel.tenancy.parties` returns it.
    """

    kind: ActorKind
    id: str
    on_behalf_of: str = ""
    principals: frozenset[str] = field(default=frozenset(), compare=False)


SYSTEM = Actor(ActorKind.SYSTEM, "liftos")


MAX_USER = 200
"""Maximum length of a user id in a request."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: organisation, actor, scopes (rights), what it may see, and when its key expires."""

    organisation: UUID
    slug: str
    actor: Actor
    scopes: frozenset[Scope]
    viewer: Viewer = EVERYBODY
    expires_at: datetime | None = None

    def may(self, scope: Scope) -> bool:
        """Return whether the caller has a scope, including implied ones."""
        return scope in with_implied(self.scopes)

    def acting_for(self, user: str | int | None) -> Actor:
        """Return the actor on behalf of the user named in a request; a user named by a header takes precedence."""
        if user is None or self.actor.on_behalf_of:
            return self.actor
        return replace(self.actor, on_behalf_of=str(user)[:MAX_USER])

    @property
    def is_authenticated(self) -> bool:
        """True, for Django and DRF."""
        return True
