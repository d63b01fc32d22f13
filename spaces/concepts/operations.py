"""Adding and deleting concepts and relations. Each operation is one transaction with its decision record."""

from collections import defaultdict
from uuid import UUID

from django.db import IntegrityError, transaction

from accountability.types import Effect
from liftos.kernel.db.transactions import seen_by_current_viewer, tenant_transaction
from liftos.kernel.db.viewers import EVERYBODY, viewing
from liftos.kernel.embedding import TextKind
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.index.embeddings import active_manager
from spaces.concepts.regions import as_fields, region_of
from spaces.concepts.relearning import as_stored_draft
from spaces.errors import CyclicRelation, NameTaken, UnknownConcept
from spaces.models import Concept, ConceptRelation, Space
from spaces.queries import find_concept, get_concept, get_relation, get_space, get_view
from spaces.recording import record_change, touch
from spaces.types import WITHOUT_CYCLES, Array, ConceptDraft, RelationKind


def add_concept(*, organisation: UUID, by: Actor, space: UUID, draft: ConceptDraft) -> Concept:
    """Add a concept, from a prototype, examples or a text; given values take precedence over learnt ones.

    Raises:
        SpaceNotFound: there is none in this organisation.
        NameTaken: the space has a concept of this name.
        UnknownDimension, InvalidDimension: in the prototype or the weights, named in `loc`.
        UnknownMemory: an example has no position in the space.
        InvalidConcept: it has no value on a dimension of weight above 0.
        EmbedderUnavailable: its text can't be embedded now.
    """
    vector = embed_concept(organisation, draft)
    return commit_concept(organisation=organisation, by=by, space=space, draft=draft, vector=vector)


def embed_concept(organisation: UUID, draft: ConceptDraft) -> Array | None:
    """Return the vector of a concept's text, None without one. Calls the model, so call it outside a transaction.

    Raises:
        EmbedderUnavailable: it can't be embedded now.
    """
    return (
        active_manager(organisation).embed(draft.text, kind=TextKind.DOCUMENT, organisation=organisation)
        if draft.text
        else None
    )


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
        # lock first, against concurrent changes of the dimensions
        get_space(organisation=organisation, space=space, lock=True)
        learnt = bool(draft.examples or draft.text)
        view = get_view(organisation=organisation, space=space, ready=learnt)
        # a concept is everybody's, so private memories can't be its examples
        with viewing(EVERYBODY), seen_by_current_viewer():
            fields = as_fields(view, region_of(view, draft, vector))
        try:
            with transaction.atomic():
                row = Concept.objects.create(
                    organisation_id=organisation,
                    space_id=space,
                    name=draft.name.strip(),
                    name_key=draft.name.strip().casefold(),
                    description=draft.description,
                    examples=list(draft.examples),
                    given=as_stored_draft(draft) if learnt else None,
                    placed_in=view.layout.id if learnt else None,
                    **fields,
                )
        except IntegrityError:
            raise NameTaken(
                f"The space already has a concept called {draft.name.strip()!r}.", loc=("name",)
            ) from None
        how = f"learnt from {len(draft.examples)} examples" if draft.examples else "as described"
        _record(view.space, by, "add_concept", f"Added concept {row.name!r}, {how}.", {"concept": row.name})
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
            row,
            by,
            "remove_concept",
            f"Deleted concept {found.name!r}.",
            {"concept": found.name},
            Effect.DELETE,
        )


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
    """Add a relation between two concepts, or change its weight; return it and whether it is new.

    Args:
        organisation: whose.
        by: the actor.
        space: of both concepts.
        source: the first concept's name or id.
        kind: of the relation, read from source to target.
        target: the second concept's name or id.
        weight: strength, 0..1.

    Raises:
        SpaceNotFound: there is none in this organisation.
        UnknownConcept: the space has none of that name; `loc` says which end.
        CyclicRelation: source and target are the same, or an acyclic kind would form a cycle; the message shows it.
    """
    with tenant_transaction(organisation):
        # locked: two concurrent relations could form a cycle together
        row = get_space(organisation=organisation, space=space, lock=True)
        ends = []
        for field, name in (("source", source), ("target", target)):
            found = find_concept(organisation=organisation, space=space, name=name)
            if found is None:
                raise UnknownConcept(f"The space has no concept {name!r}.", loc=(field,))
            ends.append(found)
        first, second = ends
        if first.id == second.id:
            raise CyclicRelation(f"{first.name} can't be related to itself.", loc=("target",))
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
        inputs = {"source": first.name, "kind": kind, "target": second.name}
        _record(row, by, "relate", f"{first.name} {kind} {second.name}.", inputs)
    return relation, is_new


def unrelate(*, organisation: UUID, by: Actor, space: UUID, relation: UUID) -> None:
    """Delete a relation.

    Raises:
        SpaceNotFound, RelationNotFound: there is none in this organisation.
    """
    with tenant_transaction(organisation):
        row = get_space(organisation=organisation, space=space, lock=True)
        found = get_relation(organisation=organisation, space=space, relation=relation)
        ConceptRelation.objects.filter(organisation_id=organisation, id=relation).delete()
        said = f"Deleted: {found.source.name} {found.kind} {found.target.name}."
        _record(row, by, "unrelate", said, {"relation": str(relation)}, Effect.DELETE)


def _check_cycle(
    organisation: UUID, space: UUID, kind: RelationKind, source: Concept, target: Concept
) -> None:
    """Refuse a relation if relations of its kind lead from the target back to the source."""
    successors: defaultdict[UUID, list[UUID]] = defaultdict(list)
    names: dict[UUID, str] = {target.id: target.name}
    rows = ConceptRelation.objects.filter(organisation_id=organisation, space_id=space, kind=kind)
    for start, end, name in rows.order_by("id").values_list("source_id", "target_id", "target__name"):
        successors[start].append(end)
        names[end] = name
    previous: dict[UUID, UUID | None] = {target.id: None}
    pending = [target.id]
    while pending:
        concept = pending.pop()
        for successor in successors[concept]:
            if successor not in previous:
                previous[successor] = concept
                pending.append(successor)
    if source.id in previous:
        path: list[str] = []
        step: UUID | None = source.id
        while step is not None:
            path.append(names[step])
            step = previous[step]
        cycle = " → ".join([source.name, *reversed(path)])
        raise CyclicRelation(f"The relation would create a cycle: {cycle}.", loc=("target",))


def _record(
    space: Space, by: Actor, verb: str, reasoning: str, inputs: dict[str, str], effect: Effect = Effect.WRITE
) -> None:
    record_change(space, by, f"space.{verb}", reasoning, effect=effect, inputs=inputs)
    touch(space)
