"""Concepts of a space and how they stand to one another. Each operation is one transaction with its decision record."""

from collections import defaultdict
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.index.embeddings import active_manager
from spaces.concepts.regions import as_fields, region_of
from spaces.concepts.relearning import as_given
from spaces.errors import (
    CyclicRelation,
    NameTaken,
    RelationNotFound,
    UnknownConcept,
)
from spaces.models import Concept, ConceptRelation, Space
from spaces.queries import find_concept, get_concept, get_space, get_view
from spaces.types import WITHOUT_CYCLES, Array, ConceptDraft, RelationKind


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
    vector = embed_concept(organisation, draft)
    return commit_concept(organisation=organisation, by=by, space=space, draft=draft, vector=vector)


def embed_concept(organisation: UUID, draft: ConceptDraft) -> Array | None:
    """Return the vector of a concept's text, None where it has none. Calls the model: not inside a transaction.

    Raises:
        EmbedderUnavailable: it can't be embedded now.
    """
    return active_manager(organisation).embed(draft.text, organisation=organisation) if draft.text else None


def commit_concept(
    *, organisation: UUID, by: Actor, space: UUID, draft: ConceptDraft, vector: Array | None
) -> Concept:
    """Write a concept; `vector` is its text's, from `embed_concept`.

    Raises:
        As `add_concept`.
    """
    with (
        observe_operation("space.add_concept", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        # locked first: a change of the dimensions and this must not pass one another by
        get_space(organisation=organisation, space=space, lock=True)
        view = get_view(organisation=organisation, space=space, ready=bool(draft.examples or draft.text))
        fields = as_fields(view, region_of(view, draft, vector))
        learnt = bool(draft.examples or draft.text)
        try:
            with transaction.atomic():
                row = Concept.objects.create(
                    organisation_id=organisation,
                    space_id=space,
                    name=draft.name.strip(),
                    name_key=draft.name.strip().casefold(),
                    description=draft.description,
                    examples=list(draft.examples),
                    given=as_given(draft) if learnt else None,
                    placed_in=view.layout.id if learnt else None,
                    **fields,
                )
        except IntegrityError:
            raise NameTaken(
                f"The space has a concept called {draft.name.strip()!r}.", loc=("name",)
            ) from None
        how = f"learnt from {len(draft.examples)} examples" if draft.examples else "as described"
        _record(by, view.space, "space.add_concept", f"Concept {row.name!r}, {how}.", {"concept": row.name})
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
