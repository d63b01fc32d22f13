"""Relearning: concepts learnt from examples or a text are recomputed when their space gets a new layout."""

from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import EVERYBODY, viewing
from liftos.kernel.embedding import TextKind
from liftos.kernel.tenancy.types import SYSTEM
from memory.index.embeddings import active_manager
from spaces.concepts.regions import as_fields, region_of
from spaces.errors import InvalidConcept, InvalidDimension, PositionsNotReady, UnknownDimension, UnknownMemory
from spaces.models import Concept
from spaces.placement.positions import read_positions
from spaces.queries import View, get_space, get_view
from spaces.recording import record_change
from spaces.types import Array, ConceptDraft


def as_stored_draft(draft: ConceptDraft) -> dict[str, Any]:
    """Return what a draft gives besides its examples, JSON-ready."""
    return {name: getattr(draft, name) for name in ("prototype", "weights", "radius", "text")}


def relearn_concepts(*, organisation: UUID) -> int:
    """Recompute the concepts that were placed in a layout no longer in use; return how many.

    Raises:
        EmbedderUnavailable: a concept's text can't be embedded now.
    """
    with tenant_transaction(organisation):
        outdated = list(
            Concept.objects.filter(organisation_id=organisation, given__isnull=False)
            .filter(space__versions__number=F("space__version"), space__versions__layout__state="ready")
            .exclude(placed_in=F("space__versions__layout_id"))
            .order_by("id")
            .values_list("space_id", "id", "given__text")
        )
    if not outdated:
        return 0
    texts = sorted({text for _, _, text in outdated if text})
    vectors: dict[str, Array] = {}
    if texts:
        manager = active_manager(organisation)
        vectors = dict(
            zip(
                texts,
                manager.embed_many(texts, kind=TextKind.DOCUMENT, organisation=organisation),
                strict=True,
            )
        )
    return sum(_relearn(organisation, space, concept, vectors.get(text)) for space, concept, text in outdated)


def _relearn(organisation: UUID, space: UUID, concept: UUID, vector: Array | None) -> bool:
    with viewing(EVERYBODY), tenant_transaction(organisation):
        locked = get_space(organisation=organisation, space=space, lock=True)
        row = Concept.objects.filter(organisation_id=organisation, id=concept).first()
        try:
            view = get_view(organisation=organisation, space=space)
        except PositionsNotReady:
            return False
        if row is None or row.given is None or row.placed_in == view.layout.id:
            return False
        row.placed_in = view.layout.id
        try:
            fields = as_fields(view, region_of(view, _draft(row, view), vector))
        except (InvalidConcept, InvalidDimension, UnknownDimension, UnknownMemory):
            # its examples were erased, or the dimensions changed: it keeps its region
            row.save(update_fields=["placed_in"])
            return False
        for name, value in fields.items():
            setattr(row, name, value)
        row.updated_at = timezone.now()
        row.save(update_fields=[*fields, "placed_in", "updated_at"])
        said = f"Recomputed concept {row.name!r} of {locked.name!r} from the new positions."
        record_change(locked, SYSTEM, "space.relearn_concept", said, inputs={"concept": row.name})
    return True


def _draft(row: Concept, view: View) -> ConceptDraft:
    """Return a concept's draft, with the examples that still have a position."""
    given = row.given or {}
    placed = set(
        read_positions(organisation=row.organisation_id, layout=view.layout.id, memories=row.examples).ids
    )
    if row.examples and not placed and not given["text"]:
        raise UnknownMemory
    return ConceptDraft(
        name=row.name, examples=tuple(each for each in row.examples if each in placed), **given
    )
