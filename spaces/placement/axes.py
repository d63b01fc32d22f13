"""Axes of dimensions: pole texts are embedded and scaled on the organisation's own texts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYBODY, viewing
from liftos.kernel.embedding import EmbeddingManager, TextKind
from liftos.kernel.embedding.catalogue import model_number
from memory.index.bulk_reads import get_contents
from memory.index.embeddings import active_manager
from spaces.errors import InvalidDimension, UnknownMemory
from spaces.geometry.projection import Axis, Background, PolesCoincide, labelled_axis, pole_axis
from spaces.placement.background import background
from spaces.placement.own_texts import Counts, describe_own
from spaces.space_templates import is_built_in
from spaces.types import Array, Dimension


@dataclass(frozen=True, slots=True)
class Resolved:
    """A space's axes, None for dimensions without poles, with their embedding model, and the size of the sample they were scaled on."""

    axes: tuple[Axis | None, ...]
    model: int | None
    sample: int
    counts: Counts


def resolve(*, organisation: UUID, dimensions: Sequence[Dimension], space: UUID | None = None) -> Resolved:
    """Return the axes of dimensions. Embeds texts, so call it outside a transaction.

    Axes and scales are the same for everybody: only memories that everybody in the organisation may see count, or may be named.

    Args:
        organisation: whose.
        dimensions: of the space.
        space: whose members set the scale; None for all memories.

    Raises:
        InvalidDimension: two poles have the same meaning, or labelled examples can't be used; `loc` names it.
        UnknownMemory: a memory of a pole or an example does not exist or has no vector.
        EmbedderUnavailable: texts can't be embedded now.
    """
    if not any(each.has_poles for each in dimensions):
        return Resolved(tuple(None for _ in dimensions), None, 0, Counts(0, 0))
    manager = active_manager(organisation)
    number = model_number(manager.model)
    texts = embed_all(manager, organisation, {text for each in dimensions for text in _texts(each)})
    named = {memory for each in dimensions for memory in memories_of(each)}
    prior = background(manager)
    with viewing(EVERYBODY), tenant_transaction(organisation):
        own = describe_own(organisation=organisation, model=number, space=space, prior=prior)
        memories = read_vectors(organisation, number, named)
    axes = tuple(
        _axis(place, each, texts, memories, own.background) if each.has_poles else None
        for place, each in enumerate(dimensions)
    )
    return Resolved(axes, number, own.sample, own.counts)


def read_vectors(organisation: UUID, model: int | None, memories: Collection[UUID]) -> dict[UUID, Array]:
    """Return the vectors of those memories that have one, inside the tenant transaction."""
    found = get_contents(organisation=organisation, model=model, memories=list(memories), metadata=False)
    return {
        memory: vector
        for memory, vector in zip(found.ids, found.vectors, strict=True)
        if len(vector) and not np.isnan(vector[0])
    }


def embed_all(manager: EmbeddingManager, organisation: UUID, texts: set[str]) -> dict[str, Array]:
    """Return each text's embedding; the templates' texts share one cache for all organisations."""
    found: dict[str, Array] = {}
    for whose in (None, organisation):
        some = sorted(text for text in texts if is_built_in(text) == (whose is None))
        if some:
            found |= zip(
                some, manager.embed_many(some, kind=TextKind.DOCUMENT, organisation=whose), strict=True
            )
    return found


def memories_of(dimension: Dimension) -> set[UUID]:
    """Return the memories among a dimension's poles and examples."""
    labelled = {each.memory for each in dimension.examples if each.memory is not None}
    return {*dimension.low_memories, *dimension.high_memories} | labelled


def _texts(dimension: Dimension) -> set[str]:
    return {*dimension.low, *dimension.high} | {each.text for each in dimension.examples if each.text}


def _axis(
    place: int,
    dimension: Dimension,
    texts: dict[str, Array],
    memories: dict[UUID, Array],
    how: Background,
) -> Axis:
    def vectors(words: Sequence[str], named: Sequence[UUID], pole: str) -> Array:
        for memory in named:
            if memory not in memories:
                raise UnknownMemory(
                    f"Memory {memory} not found, or it has no vector.", loc=("dimensions", place, pole)
                )
        return np.stack([*(texts[word] for word in words), *(memories[memory] for memory in named)])

    low = vectors(dimension.low, dimension.low_memories, "low")
    high = vectors(dimension.high, dimension.high_memories, "high")
    try:
        axis = pole_axis(low, high, how)
    except PolesCoincide as error:
        raise InvalidDimension(
            f"Dimension {dimension.name!r}: {error}.", loc=("dimensions", place, "high")
        ) from None
    if not dimension.examples:
        return axis
    examples, labels = examples_of(place, dimension, texts, memories)
    try:
        return labelled_axis(axis, examples, labels, how)
    except ValueError as error:
        raise InvalidDimension(
            f"Dimension {dimension.name!r}: {error}.", loc=("dimensions", place, "examples")
        ) from None


def examples_of(
    place: int, dimension: Dimension, texts: dict[str, Array], memories: dict[UUID, Array]
) -> tuple[Array, Array]:
    """Return a dimension's labelled examples: embeddings, shape (n, d), and labels, shape (n,)."""
    rows = []
    for each in dimension.examples:
        vector = texts.get(each.text) if each.memory is None else memories.get(each.memory)
        if vector is None:
            raise UnknownMemory(
                f"Memory {each.memory} not found, or it has no vector.", loc=("dimensions", place, "examples")
            )
        rows.append(vector)
    return np.stack(rows), np.asarray([each.value for each in dimension.examples])


_SCALE = ("centre", "spread", "separation", "topic_centre", "topic_spread")


def pack(axes: Sequence[Axis | None]) -> tuple[bytes, dict[str, Any]]:
    """Return axes as a layout stores them: directions and topics as concatenated float32, scales as JSON."""
    directions = b"".join(
        row.astype("<f4").tobytes()
        for each in axes
        if each is not None
        for row in (each.direction, each.topic)
    )
    scales = [None if each is None else {name: getattr(each, name) for name in _SCALE} for each in axes]
    return directions, {"scales": scales}


def unpack(directions: bytes, found: dict[str, Any]) -> tuple[Axis | None, ...]:
    """Return the axes that `pack` stored."""
    scales = found.get("scales", [])
    present = [each for each in scales if each is not None]
    rows = np.frombuffer(directions, "<f4").reshape(2 * len(present), -1) if present else np.empty((0, 0))
    vectors = iter(rows.astype(np.float64))
    return tuple(
        None if each is None else Axis(direction=next(vectors), topic=next(vectors), **each)
        for each in scales
    )
