"""Embedding calls of a batch of conceptual searches."""

import pytest

from liftos.kernel.embedding import EmbeddingManager, get_manager
from liftos.kernel.tenancy.types import SYSTEM
from memory.operations import remember_many
from memory.search.service import search, search_many
from memory.search.types import SearchRequest, SearchType
from memory.types import MemoryDraft
from spaces.operations import create_space
from spaces.types import Dimension

PRICE = Dimension("price", low=("cheap", "low price"), high=("expensive", "high price"))
QUERIES = [
    f"{what} number {number}" for number in range(10) for what in ("dear goods", "a bargain", "weather")
]


class Counting:
    """The installation's model, counted."""

    def __init__(self, manager):
        self._manager, self.model, self.calls = manager, manager.model, []

    def embed(self, texts):
        self.calls.append(len(texts))
        return self._manager.embed_many(list(texts), organisation=None)


@pytest.fixture
def counting(monkeypatch):
    counting = Counting(get_manager())
    manager = EmbeddingManager(embedder=counting)
    for user in ("spaces.query.targets", "memory.search.arms.meaning.arm"):
        monkeypatch.setattr(f"{user}.active_manager", lambda organisation: manager)
    return counting


@pytest.mark.parametrize("search_type", [SearchType.CONCEPTUAL, SearchType.HYBRID])
def test_a_batch_embeds_its_queries_in_one_call_for_each_arm(organisation, counting, search_type):
    drafts = [MemoryDraft("cheap boots"), MemoryDraft("expensive boots")]
    remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)
    create_space(organisation=organisation, by=SYSTEM, name="offers", dimensions=[PRICE], holds_all=True)
    request = SearchRequest("", search_type, 5, space="offers")
    # the poles of the space are embedded at the first search
    search(organisation=organisation, by=SYSTEM, request=SearchRequest("hats", search_type, space="offers"))
    counting.calls.clear()
    many = search_many(organisation=organisation, by=SYSTEM, queries=QUERIES, request=request)
    assert len(counting.calls) <= (1 if search_type is SearchType.CONCEPTUAL else 2)
    assert len(many.hits) == len(QUERIES)
    assert many.degraded == ()
