"""The erasure passed to the apps that store something of a memory."""

from dataclasses import dataclass, field
from uuid import UUID

from liftos.kernel.erasure.quotes import Quotes


@dataclass(frozen=True, slots=True)
class Going:
    """Memories being erased, inside the erasing transaction.

    Attributes:
        organisation: a tenant.
        memories: their ids.
        quotes: their texts in all versions, and their external ids.
        erasure: the receipt's id.
        kept: for the receipt: number of items not erased, by place.
        not_looked_at: for the receipt: tables whose older rows were not searched.
    """

    organisation: UUID
    memories: tuple[UUID, ...]
    quotes: Quotes
    erasure: UUID
    kept: dict[str, int] = field(default_factory=dict)
    not_looked_at: set[str] = field(default_factory=set)
