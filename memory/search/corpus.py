"""How much an organisation holds: what plans and word statistics are made from."""

from dataclasses import dataclass
from uuid import UUID

from liftos.db import raw_cursor

_SIZE = """
SELECT coalesce(sum(documents), 0)::bigint, coalesce(sum(words), 0)::bigint
FROM memory_corpuscounter WHERE organisation_id = %s
"""


@dataclass(frozen=True, slots=True)
class Corpus:
    """An organisation's searchable memories: how many, and how many words in all."""

    documents: int
    words: int

    @property
    def average_length(self) -> float:
        """Words in an average memory, at least 1 so that it can divide."""
        return max(1.0, self.words / self.documents) if self.documents else 1.0


def get_corpus(organisation: UUID) -> Corpus:
    """Return an organisation's counts, as of this transaction."""
    with raw_cursor() as cursor:
        row = cursor.execute(_SIZE, [organisation]).fetchone()
    return Corpus(*row) if row else Corpus(0, 0)
