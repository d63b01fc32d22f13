"""The erasure passed to the apps that store something of a memory."""

from dataclasses import dataclass, field
from uuid import UUID

from liftos.kernel.erasure.quotes import Quotes


@dataclass(frozen=True, slots=True)
class Person:
    """Names by which rows tell who acted.

    Attributes:
        users: values of `on_behalf_of`.
        actors: values of `actor_id`: ids of keys and principals.
        staff: names of accounts, which others than members of staff may have as their ids.
    """

    users: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, list[str]]:
        """The parameters of `BY_PERSON`."""
        return {"users": list(self.users), "actors": list(self.actors), "staff": list(self.staff)}


BY_PERSON = (
    "(on_behalf_of = ANY(%(users)s::text[]) AND on_behalf_of <> '' OR actor_id = ANY(%(actors)s::text[])"
    " OR actor_id = ANY(%(staff)s::text[]) AND actor_kind = 'staff')"
)
"""An SQL condition for rows of what a person did."""


@dataclass(frozen=True, slots=True)
class Going:
    """Memories being erased, inside the erasing transaction.

    Attributes:
        organisation: a tenant.
        memories: their ids.
        quotes: their texts in all versions, and their external ids.
        erasure: the receipt's id.
        person: whose runs and decisions are erased too.
        kept: for the receipt: number of items not erased, by place.
        not_looked_at: for the receipt: tables whose older rows were not searched.
    """

    organisation: UUID
    memories: tuple[UUID, ...]
    quotes: Quotes
    erasure: UUID
    person: Person = Person()
    kept: dict[str, int] = field(default_factory=dict)
    not_looked_at: set[str] = field(default_factory=set)
