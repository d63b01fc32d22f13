"""What an erasure hands to whoever keeps something of a memory."""

from dataclasses import dataclass, field
from uuid import UUID

from liftos.kernel.erasure.quotes import Quotes


@dataclass(frozen=True, slots=True)
class Going:
    """Memories that are being erased, inside the erasing transaction.

    Attributes:
        organisation: whose.
        memories: their ids.
        quotes: what they said, in all versions, and their external ids.
        erasure: the receipt's id.
        kept: for the receipt: what stays where it is, how many of it, by the name of the place.
        not_looked_at: for the receipt: tables whose older rows were not looked at.
    """

    organisation: UUID
    memories: tuple[UUID, ...]
    quotes: Quotes
    erasure: UUID
    kept: dict[str, int] = field(default_factory=dict)
    not_looked_at: set[str] = field(default_factory=set)
