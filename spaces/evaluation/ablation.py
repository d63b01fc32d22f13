"""Ablation of the conceptual arm: searches of a labelled set with and without it."""

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
from spaces.evaluation.labelled import LabelledQuery, Sentence, read_set
from spaces.geometry.agreement import auc
from spaces.operations import create_space
from spaces.queries import get_view
from spaces.query.questions import list_member_positions
from spaces.space_templates import TEMPLATES
from spaces.types import Dimension

DEPTH = 50


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to search: a type, whether the space is named, and whether the query's target replaces its text."""

    title: str
    search_type: SearchType
    in_space: bool = True
    without: frozenset[str] = frozenset()
    by_target: bool = False


VARIANTS = (
    Variant("neural", SearchType.NEURAL),
    Variant("knowledge", SearchType.KNOWLEDGE),
    Variant("hybrid without conceptual", SearchType.HYBRID, without=frozenset({"conceptual"})),
    Variant("hybrid", SearchType.HYBRID),
    Variant("conceptual", SearchType.CONCEPTUAL),
    Variant("conceptual by target", SearchType.CONCEPTUAL, by_target=True),
)


@dataclass(frozen=True, slots=True)
class Row:
    """Mean scores over the queries that have relevant sentences."""

    way: str
    recall_5: float
    recall_10: float
    mrr: float
    ndcg_10: float
    queries: int


def run(name: str) -> tuple[list[Row], dict[str, float]]:
    """Return a row per variant, and each dimension's AUC, for one of the labelled sets.

    Writes into the open database, which should be a scratch one.
    """
    sentences, queries = read_set(name)
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
    rows = [_measure(organisation, space, variant, sentences, queries) for variant in VARIANTS]
    by_memory = {each.id: sentence for each, sentence in zip(stored, sentences, strict=True)}
    return rows, _agreement(organisation, space, by_memory, template.dimensions)


def _measure(
    organisation: UUID,
    space: UUID,
    variant: Variant,
    sentences: list[Sentence],
    queries: list[LabelledQuery],
) -> Row:
    scores: list[tuple[float, float, float, float]] = []
    for query in queries:
        relevant = {str(number): 1 for number, sentence in enumerate(sentences) if query.matches(sentence)}
        if not relevant:
            continue
        request = SearchRequest(
            "" if variant.by_target else query.text,
            variant.search_type,
            DEPTH,
            space=space if variant.in_space else None,
            without=variant.without,
            target=tuple(query.labels.items()) if variant.by_target else (),
        )
        answer = search(organisation=organisation, by=SYSTEM, request=request)
        found = [hit.external_id for hit in answer.hits]
        scores.append(
            (
                recall_at(found, relevant, 5), recall_at(found, relevant, 10), reciprocal_rank(found, relevant),
                ndcg_at(found, relevant, 10),
            )
        )  # fmt: skip
    means = [fmean(column) for column in zip(*scores, strict=True)]
    return Row(variant.title, means[0], means[1], means[2], means[3], len(scores))


def _agreement(
    organisation: UUID, space: UUID, sentences: dict[UUID, Sentence], dimensions: tuple[Dimension, ...]
) -> dict[str, float]:
    """Return each dimension's AUC: the chance that a sentence labelled high has a higher value than one labelled low."""
    with tenant_transaction(organisation):
        view = get_view(organisation=organisation, space=space)
        found = list_member_positions(organisation=organisation, view=view, limit=len(sentences))
    agreement = {}
    for dimension in dimensions:
        pairs = [
            (each.coordinates[dimension.name].value, sentences[each.memory].labels[dimension.name] == "high")
            for each in found
            if dimension.name in sentences[each.memory].labels
        ]
        if pairs:
            values, high = (np.asarray(column) for column in zip(*pairs, strict=True))
            agreement[dimension.name] = auc(values, high)
    return agreement
