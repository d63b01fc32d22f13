"""Concepts of a space and how they stand to one another. Each operation is one transaction with its decision record."""

from collections import defaultdict
from dataclasses import dataclass
from math import isfinite
from uuid import UUID

import numpy as np
from django.db import IntegrityError, transaction
from django.utils import timezone

from accountability.operations import record
from accountability.types import Effect
from liftos.db import tenant_transaction
from liftos.observability.manager import observe_operation
from liftos.tenancy.types import Actor
from memory.content import Contents
from memory.embeddings import active_manager
from spaces import layouts
from spaces.checking import read_coordinates
from spaces.errors import (
    CyclicRelation,
    InvalidConcept,
    NameTaken,
    RelationNotFound,
    UnknownConcept,
    UnknownMemory,
)
from spaces.geometry import Region, learn_region
from spaces.models import Concept, ConceptRelation, Space
from spaces.placing import place
from spaces.positions import read_positions
from spaces.queries import View, find_concept, get_concept, get_space, get_view
from spaces.scales import from_unit, place_of
from spaces.types import WITHOUT_CYCLES, Array, ConceptDraft, RelationKind

# of a concept that is given by its prototype alone
RADIUS = 0.25


def add_concept(*, organisation: UUID, by: Actor, space: UUID, draft: ConceptDraft) -> Concept:
    """Add a concept: by its prototype, learnt from examples, or placed by a text; what is given beats what is learnt.

    Raises:
        SpaceNotFound: there is none in this organisation.
        NameTaken: the space has a concept of this name.
        UnknownDimension, InvalidDimension: of the prototype or the weights, named in `loc`.
        UnknownMemory: an example is not a member with a position.
        InvalidConcept: nothing is said of any dimension that counts.
        EmbedderUnavailable: its text can't be embedded now.
    """
    with observe_operation("space.add_concept", organisation=str(organisation)):
        vector = None
        if draft.text:
            vector = active_manager(organisation).embed(draft.text, organisation=organisation)
        with tenant_transaction(organisation):
            # locked first: a change of the dimensions and this must not pass one another by
            get_space(organisation=organisation, space=space, lock=True)
            view = get_view(organisation=organisation, space=space, ready=bool(draft.examples or draft.text))
            region = _region(view, draft, vector)
            prototype = {
                each.name: float(from_unit(region.prototype[number], each))
                for number, each in enumerate(view.dimensions)
                if not np.isnan(region.prototype[number])
            }
            weights = {
                each.name: round(float(region.weights[number]), 6)
                for number, each in enumerate(view.dimensions)
                if each.name in prototype
            }
            try:
                with transaction.atomic():
                    row = Concept.objects.create(
                        organisation_id=organisation,
                        space_id=space,
                        name=draft.name.strip(),
                        name_key=draft.name.strip().casefold(),
                        description=draft.description,
                        prototype=prototype,
                        weights=weights,
                        radius=region.radius,
                        examples=list(draft.examples),
                    )
            except IntegrityError:
                raise NameTaken(
                    f"The space has a concept called {draft.name.strip()!r}.", loc=("name",)
                ) from None
            how = f"learnt from {len(draft.examples)} examples" if draft.examples else "as described"
            _record(
                by, view.space, "space.add_concept", f"Concept {row.name!r}, {how}.", {"concept": row.name}
            )
    return row


def remove_concept(*, organisation: UUID, by: Actor, space: UUID, concept: UUID) -> None:
    """Delete a concept with its relations.

    Raises:
        SpaceNotFound, ConceptNotFound: there is none in this organisation.
    """
    with tenant_transaction(organisation):
        row = get_space(organisation=organisation, space=space, lock=True)
        found = get_concept(organisation=organisation, space=space, concept=concept)
        Concept.objects.filter(organisation_id=organisation, id=concept).delete()
        _record(
            by, row, "space.remove_concept", f"Concept {found.name!r} deleted.", {"concept": found.name},
            effect=Effect.DELETE,
        )  # fmt: skip


def relate(
    *,
    organisation: UUID,
    by: Actor,
    space: UUID,
    source: str,
    kind: RelationKind,
    target: str,
    weight: float = 1.0,
) -> tuple[ConceptRelation, bool]:
    """Say how one concept stands to another; tell whether that is new.

    Args:
        organisation: whose.
        by: who says so.
        space: both concepts are in it.
        source: name or id of the concept it is said of.
        kind: how it stands to the other.
        target: name or id of the other.
        weight: how strongly, 0..1.

    Raises:
        SpaceNotFound: there is none in this organisation.
        UnknownConcept: the space has none of that name; `loc` names which.
        CyclicRelation: a concept would be, by way of others, a kind or a part of itself; the way is named.
    """
    with tenant_transaction(organisation):
        # locked: two relations that make a circle together must not be written at once
        row = get_space(organisation=organisation, space=space, lock=True)
        ends = []
        for field, name in (("source", source), ("target", target)):
            found = find_concept(organisation=organisation, space=space, name=name)
            if found is None:
                raise UnknownConcept(f"The space has no concept {name!r}.", loc=(field,))
            ends.append(found)
        first, second = ends
        if first.id == second.id:
            raise CyclicRelation(f"{first.name} can't stand to itself.", loc=("target",))
        if kind in WITHOUT_CYCLES:
            _check_cycle(organisation, space, kind, first, second)
        relation, is_new = ConceptRelation.objects.update_or_create(
            organisation_id=organisation,
            space_id=space,
            source=first,
            kind=kind,
            target=second,
            defaults={"weight": weight},
        )
        relation.source, relation.target = first, second
        said = f"{first.name} {kind} {second.name}."
        _record(by, row, "space.relate", said, {"source": first.name, "kind": kind, "target": second.name})
    return relation, is_new


def unrelate(*, organisation: UUID, by: Actor, space: UUID, relation: UUID) -> None:
    """Take a relation back.

    Raises:
        SpaceNotFound, RelationNotFound: there is none in this organisation.
    """
    with tenant_transaction(organisation):
        row = get_space(organisation=organisation, space=space, lock=True)
        found = (
            ConceptRelation.objects.select_related("source", "target")
            .filter(organisation_id=organisation, space_id=space, id=relation)
            .first()
        )
        if found is None:
            raise RelationNotFound
        said = f"No longer: {found.source.name} {found.kind} {found.target.name}."
        ConceptRelation.objects.filter(organisation_id=organisation, id=relation).delete()
        _record(by, row, "space.unrelate", said, {"relation": str(relation)}, effect=Effect.DELETE)


@dataclass(frozen=True, slots=True)
class _Given:
    prototype: Array
    weights: Array


def _region(view: View, draft: ConceptDraft, vector: Array | None) -> Region:
    given = _given(view, draft)
    learnt = None
    if draft.examples:
        learnt = _learn(view, draft)
    prototype, weights, radius = np.full(len(view.dimensions), np.nan), np.ones(len(view.dimensions)), RADIUS
    if learnt is not None:
        prototype, weights, radius = learnt.prototype, learnt.weights, learnt.radius
    elif vector is not None:
        prototype = _placed(view, vector)
    prototype = np.where(np.isnan(given.prototype), prototype, given.prototype)
    weights = np.where(
        np.isnan(given.weights), np.where(np.isnan(given.prototype), weights, 1.0), given.weights
    )
    counts = ~np.isnan(prototype) & (weights > 0) & (view.metric.weights > 0)
    if not counts.any():
        raise InvalidConcept(loc=("prototype",))
    return Region(prototype, weights, draft.radius or radius)


def _given(view: View, draft: ConceptDraft) -> _Given:
    size = len(view.dimensions)
    prototype, weights = np.full(size, np.nan), np.full(size, np.nan)
    for name, value in read_coordinates(view.dimensions, draft.prototype, "prototype").items():
        number = place_of(view.dimensions, name)
        prototype[number] = view.to_units(np.where(np.arange(size) == number, value, np.nan)[np.newaxis])[0][
            number
        ]
    for name, weight in draft.weights.items():
        number = place_of(view.dimensions, name, ("weights", name))
        if not isfinite(weight) or weight < 0:
            raise InvalidConcept("A weight is a number of at least 0.", loc=("weights", name))
        weights[number] = weight
    return _Given(prototype, weights)


def _learn(view: View, draft: ConceptDraft) -> Region:
    placed = read_positions(
        organisation=view.space.organisation_id, layout=view.layout.id, memories=draft.examples
    )
    missing = sorted(set(draft.examples) - set(placed.ids))
    if missing:
        raise UnknownMemory(f"The memory {missing[0]} is not in this space.", loc=("examples",))
    try:
        return learn_region(view.to_units(placed.values), view.metric)
    except ValueError as error:
        raise InvalidConcept(
            f"From the examples nothing can be learnt: {error}.", loc=("examples",)
        ) from None


def _placed(view: View, vector: Array) -> Array:
    """Return where a text stands, shape (k,), on the unit scales; unknown where only a field would say."""
    plan = layouts.get_plan(organisation=view.space.organisation_id, layout=view.layout.id)
    contents = Contents([UUID(int=0)], vector[np.newaxis], [{}])
    return view.to_units(place(contents, plan.dimensions, plan.axes, {}).values)[0]


def _check_cycle(
    organisation: UUID, space: UUID, kind: RelationKind, source: Concept, target: Concept
) -> None:
    """Refuse what would lead from the target, by relations of this kind, back to the source."""
    onward: defaultdict[UUID, list[UUID]] = defaultdict(list)
    names: dict[UUID, str] = {}
    rows = ConceptRelation.objects.filter(organisation_id=organisation, space_id=space, kind=kind)
    for start, end, name in rows.order_by("id").values_list("source_id", "target_id", "target__name"):
        onward[start].append(end)
        names[end] = name
    reached: dict[UUID, UUID | None] = {target.id: None}
    waiting = [target.id]
    while waiting:
        at = waiting.pop()
        for following in onward[at]:
            if following not in reached:
                reached[following] = at
                waiting.append(following)
    if source.id in reached:
        way: list[str] = []
        step: UUID | None = source.id
        while step is not None:
            way.append(target.name if step == target.id else names[step])
            step = reached[step]
        told = " → ".join([source.name, *reversed(way)])
        raise CyclicRelation(f"The relation would close a circle: {told}.", loc=("target",))


def _record(
    by: Actor,
    space: Space,
    operation: str,
    reasoning: str,
    inputs: dict[str, str],
    *,
    effect: Effect = Effect.WRITE,
) -> None:
    record(
        organisation=space.organisation_id,
        by=by,
        operation=operation,
        effect=effect,
        subject=("space", str(space.id)),
        reasoning=reasoning,
        inputs=inputs,
    )
    Space.objects.filter(organisation_id=space.organisation_id, id=space.id).update(updated_at=timezone.now())
