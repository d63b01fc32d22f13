"""Store a collection in an organisation of its own, and ask its questions of the real search."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.evaluation.documents import contains
from memory.evaluation.measures import ndcg_at, recall_at, reciprocal_rank
from memory.evaluation.types import Collection, Labelled
from memory.evaluation.variants import HYBRID, Variant
from memory.operations import remember_many
from memory.search.fencing import MARK
from memory.search.inputs import PROMPT_PASSAGES
from memory.search.prompt import as_prompt
from memory.search.service import search
from memory.search.types import SearchRequest

BATCH = 500
DEPTH = 50  # hits considered for the reciprocal rank
PROMPT_HITS, PROMPT_TOKENS = 10, 2_000  # of a prompt for a question about a long document


@dataclass(frozen=True, slots=True)
class Outcome:
    """The figures of one question in one search.

    Attributes:
        question: as asked.
        variant: the search.
        haystack: of the question's collection.
        found: external ids, best first.
        abstained: whether the search said that nothing found is likely to answer.
        figures: measure to value, 0..1; empty if the question is unanswerable.
        is_foreign: whether the question is about another collection.
    """

    question: Labelled
    variant: Variant
    haystack: str
    found: list[str]
    abstained: bool
    figures: dict[str, float] = field(default_factory=dict)
    is_foreign: bool = False


def run_trial(
    collection: Collection, variants: Sequence[Variant], advance: Callable[[int], object]
) -> Iterator[Outcome]:
    """Store a collection; yield the outcome of each answerable question in each variant, of the others in hybrid search.

    Args:
        collection: what to store and ask.
        variants: the searches.
        advance: called with the number of memories stored or questions asked since the last call.
    """
    organisation = create_organisation(name=f"set {collection.name}", by=SYSTEM).id
    for start in range(0, len(collection.drafts), BATCH):
        batch = collection.drafts[start : start + BATCH]
        remember_many(organisation=organisation, by=SYSTEM, drafts=batch)
        advance(len(batch))
    for question in collection.answerable:
        for variant in variants:
            yield _ask(organisation, collection.haystack, question, variant)
            advance(1)
    for question in collection.unanswerable + collection.foreign:
        outcome = _ask(organisation, collection.haystack, question, HYBRID)
        yield replace(outcome, is_foreign=question in collection.foreign)
        advance(1)


def steps(collection: Collection, variants: Sequence[Variant]) -> int:
    """Return the sum of what a trial's `advance` is called with."""
    others = len(collection.unanswerable) + len(collection.foreign)
    return len(collection.drafts) + len(collection.answerable) * len(variants) + others


def _ask(organisation: UUID, haystack: str, question: Labelled, variant: Variant) -> Outcome:
    # a prompt holds what a request of ordinary size found
    depth, passages = (PROMPT_HITS, PROMPT_PASSAGES) if question.answer else (DEPTH, 1)
    request = SearchRequest(
        question.text, variant.search_type, depth, without=variant.without, passages=passages
    )
    answer = search(organisation=organisation, by=SYSTEM, request=request)
    found = [hit.external_id for hit in answer.hits]
    abstained = answer.abstain_reason is not None
    if not question.relevant:
        return Outcome(question, variant, haystack, found, abstained)
    figures = {f"R@{k}": recall_at(found, question.relevant, k) for k in (1, 5, 10)}
    figures["MRR"] = reciprocal_rank(found, question.relevant)
    figures["nDCG@10"] = ndcg_at(found, question.relevant, 10)
    if question.answer:
        best = [hit for hit in answer.hits[:5] if hit.external_id in question.relevant and hit.passages]
        figures["P@5"] = float(any(contains(hit.passages[0].text, question.answer) for hit in best))
        prompt = as_prompt(answer.hits, PROMPT_TOKENS)
        text = " ".join(line.removeprefix(MARK) for line in prompt.text.splitlines())
        figures["prompt"] = float(contains(text, question.answer))
    return Outcome(question, variant, haystack, found, abstained, figures)
