"""Embedding calls of a search."""

import pytest

from liftos.kernel.embedding import EmbeddingManager
from liftos.kernel.embedding.hashing import HashingEmbedder


@pytest.fixture
def embedder(monkeypatch):
    counting = HashingEmbedder()
    manager = EmbeddingManager(embedder=counting)
    for user in ("memory.search.arms.meaning.arm", "memory.index.embeddings"):
        monkeypatch.setattr(f"{user}.active_manager", lambda organisation: manager)
    return counting


@pytest.mark.parametrize("path", ["/search", "/api/v1/search"])
@pytest.mark.parametrize("search_type", ["neural", "hybrid"])
def test_a_repeated_query_is_not_embedded_again(acme, embedder, path, search_type):
    acme.store("Rain lifts sales of boots")
    before = embedder.calls
    for _ in range(3):
        response = acme.post(path, {"query": "wet weather and boots", "search_type": search_type})
        assert response.status_code == 200
    assert embedder.calls - before == 1


def test_a_batch_embeds_each_new_query_once_in_one_call(acme, embedder):
    acme.store("Rain lifts sales of boots")
    acme.post("/api/v1/search", {"query": "known"})
    calls, texts = embedder.calls, embedder.texts
    response = acme.post("/api/v1/search/batch", {"queries": ["new", "known", "newer", "new"]})
    assert response.status_code == 200
    assert (embedder.calls - calls, embedder.texts - texts) == (1, 2)


def test_a_search_by_words_embeds_nothing(acme, embedder):
    acme.store("Rain lifts sales of boots")
    before = embedder.calls
    assert acme.post("/api/v1/search", {"query": "boots", "search_type": "knowledge"}).status_code == 200
    assert embedder.calls == before
