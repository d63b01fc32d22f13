"""What the conceptual arm is worth: searches of the labelled set with it and without it."""

from dataclasses import dataclass
from statistics import fmean
from uuid import UUID

import numpy as np

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.evaluation.measures import ndcg_at, recall_at, reciprocal_rank
from memory.operations import remember_many
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType
from memory.types import MemoryDraft
from spaces.evaluation.labelled import Sentence, Wish, read_set
from spaces.geometry.agreement import auc
from spaces.operations import create_space
from spaces.queries import get_view
from spaces.query.questions import list_standings
from spaces.space_templates import TEMPLATES
from spaces.types import Dimension

DEPTH = 50


@dataclass(frozen=True, slots=True)
class Way:
    """A way to search: a type, whether the space is named, and whether the query is replaced by the target it means."""

    title: str
    search_type: SearchType
    in_space: bool = True
    without: frozenset[str] = frozenset()
    by_target: bool = False


WAYS = (
    Way("neural", SearchType.NEURAL),
    Way("knowledge", SearchType.KNOWLEDGE),
    Way("hybrid without conceptual", SearchType.HYBRID, without=frozenset({"conceptual"})),
    Way("hybrid", SearchType.HYBRID),
    Way("conceptual", SearchType.CONCEPTUAL),
    Way("conceptual by target", SearchType.CONCEPTUAL, by_target=True),
)


@dataclass(frozen=True, slots=True)
class Row:
    """Means over the queries that some sentence answers."""

    way: str
    recall_5: float
    recall_10: float
    mrr: float
    ndcg_10: float
    queries: int


def run(name: str) -> tuple[list[Row], dict[str, float]]:
    """Return a row for each way, and each dimension's AUC, of one of the labelled sets.

    It writes into the database that is open, which should be a scratch one.
    """
    sentences, wishes = read_set(name)
    template = TEMPLATES[name]
    organisation = create_organisation(name=f"labelled set {name}", by=SYSTEM).id
    drafts = [
        MemoryDraft(each.text, source="set", external_id=str(number)) for number, each in enumerate(sentences)
    ]
    stored = remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)
    space = create_space(
        organisation=organisation,
        by=SYSTEM,
        name=name,
        dimensions=template.dimensions,
        holds_all=True,
    ).id
    rows = [_measure(organisation, space, way, sentences, wishes) for way in WAYS]
    by_memory = {each.id: sentence for each, sentence in zip(stored, sentences, strict=True)}
    return rows, _agreement(organisation, space, by_memory, template.dimensions)


def _measure(organisation: UUID, space: UUID, way: Way, sentences: list[Sentence], wishes: list[Wish]) -> Row:
    figures: list[tuple[float, float, float, float]] = []
    for wish in wishes:
        relevant = {
            str(number): 1 for number, sentence in enumerate(sentences) if wish.is_answered_by(sentence)
        }
        if not relevant:
            continue
        request = SearchRequest(
            "" if way.by_target else wish.query,
            way.search_type,
            DEPTH,
            space=space if way.in_space else None,
            without=way.without,
            target=tuple(wish.wants.items()) if way.by_target else (),
        )
        answer = search(organisation=organisation, by=SYSTEM, request=request)
        found = [hit.external_id for hit in answer.hits]
        figures.append(
            (
                recall_at(found, relevant, 5), recall_at(found, relevant, 10), reciprocal_rank(found, relevant),
                ndcg_at(found, relevant, 10),
            )
        )  # fmt: skip
    means = [fmean(column) for column in zip(*figures, strict=True)]
    return Row(way.title, means[0], means[1], means[2], means[3], len(figures))


def _agreement(
    organisation: UUID, space: UUID, sentences: dict[UUID, Sentence], dimensions: tuple[Dimension, ...]
) -> dict[str, float]:
    """Return for each dimension the chance that a sentence labelled high stands above one labelled low."""
    with tenant_transaction(organisation):
        view = get_view(organisation=organisation, space=space)
        found = list_standings(organisation=organisation, view=view, limit=len(sentences))
    agreement = {}
    for dimension in dimensions:
        pairs = [
            (each.coordinates[dimension.name].value, sentences[each.memory].labels[dimension.name] == "high")
            for each in found
            if dimension.name in sentences[each.memory].labels
        ]
        if pairs:
            figures, high = (np.asarray(column) for column in zip(*pairs, strict=True))
            agreement[dimension.name] = auc(figures, high)
    return agreement
