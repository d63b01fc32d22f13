"""The distribution of a space's own texts: its members' and the organisation's. Inside the caller's tenant transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from liftos.kernel.db.transactions import read_column, seen_by_current_viewer
from liftos.kernel.db.viewers import EVERYBODY, viewing
from memory.index.bulk_reads import count_vectors, get_contents, sample_vectors
from spaces.geometry.projection import Background, describe
from spaces.placement.statements import SAMPLE_MEMBERS

# more texts do not improve the estimate, and take 20 us each to read
MAX_TEXTS = 4_000


@dataclass(frozen=True, slots=True)
class Counts:
    """The number of texts with a vector that a scale can be based on.

    Attributes:
        own: of the space's members.
        around: of the organisation.
    """

    own: int
    around: int


@dataclass(frozen=True, slots=True)
class Own:
    """The distribution of a space's own texts, the size of the sample, and the number of texts."""

    background: Background
    sample: int
    counts: Counts


def describe_own(*, organisation: UUID, model: int, space: UUID | None, prior: Background) -> Own:
    """Return the distribution of a space's texts, with the organisation's as prior, and `prior` as that one's.

    Args:
        organisation: whose.
        model: of the vectors.
        space: whose members; None for all memories of the organisation.
        prior: of general texts.
    """
    around = count_vectors(organisation=organisation, model=model)
    vectors = sample_vectors(organisation=organisation, model=model, limit=MAX_TEXTS)
    known = describe(vectors, prior)
    if space is None:
        return Own(known, len(vectors), Counts(around, around))
    members = _list_members(organisation, space)
    found = get_contents(organisation=organisation, model=model, memories=members[:MAX_TEXTS], metadata=False)
    own = found.vectors[~np.isnan(found.vectors).any(axis=1)]
    count = count_vectors(organisation=organisation, model=model, memories=members)
    return Own(describe(own, known), len(own), Counts(count, around))


def count_own(*, organisation: UUID, model: int, space: UUID | None) -> Counts:
    """Return the number of texts that a space's scale can be based on, of those that everybody sees. See `describe_own`."""
    with viewing(EVERYBODY), seen_by_current_viewer():
        around = count_vectors(organisation=organisation, model=model)
        if space is None:
            return Counts(around, around)
        members = _list_members(organisation, space)
        return Counts(count_vectors(organisation=organisation, model=model, memories=members), around)


def _list_members(organisation: UUID, space: UUID) -> Sequence[UUID]:
    return read_column(SAMPLE_MEMBERS, (organisation, space))
