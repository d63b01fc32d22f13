"""A space's own texts: those of its members, and round them the organisation's. Inside the caller's tenant transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from liftos.kernel.db.transactions import raw_cursor
from memory.index.bulk_reads import count_vectors, get_contents, sample_vectors
from spaces.geometry.projection import Background, describe
from spaces.placement.statements import SAMPLE_MEMBERS

# More texts say no more of how they differ, and reading them costs 20 us each.
MOST_TEXTS = 4_000


@dataclass(frozen=True, slots=True)
class Counts:
    """How many texts with a vector a scale could be made on.

    Attributes:
        own: of the space's members.
        around: of the organisation.
    """

    own: int
    around: int


@dataclass(frozen=True, slots=True)
class Own:
    """How a space's own texts differ, from a sample of so many, and how many there are."""

    background: Background
    sample: int
    counts: Counts


def describe_own(*, organisation: UUID, model: int, space: UUID | None, prior: Background) -> Own:
    """Return how a space's texts differ.

    A space with few members is seen beside its organisation's texts, an organisation with few texts beside the prior.

    Args:
        organisation: whose.
        model: whose vectors.
        space: whose members; None for all memories of the organisation.
        prior: of other people's texts.
    """
    around = count_vectors(organisation=organisation, model=model)
    vectors = sample_vectors(organisation=organisation, model=model, limit=MOST_TEXTS)
    known = describe(vectors, prior)
    if space is None:
        return Own(known, len(vectors), Counts(around, around))
    members = _list_members(organisation, space)
    found = get_contents(
        organisation=organisation, model=model, memories=members[:MOST_TEXTS], metadata=False
    )
    own = found.vectors[~np.isnan(found.vectors).any(axis=1)]
    count = count_vectors(organisation=organisation, model=model, memories=members)
    return Own(describe(own, known), len(own), Counts(count, around))


def count_own(*, organisation: UUID, model: int, space: UUID | None) -> Counts:
    """Return how many texts a space's scale could be made on. See `describe_own`."""
    around = count_vectors(organisation=organisation, model=model)
    if space is None:
        return Counts(around, around)
    members = _list_members(organisation, space)
    return Counts(count_vectors(organisation=organisation, model=model, memories=members), around)


def _list_members(organisation: UUID, space: UUID) -> Sequence[UUID]:
    with raw_cursor() as cursor:
        return [row[0] for row in cursor.execute(SAMPLE_MEMBERS, (organisation, space)).fetchall()]
