"""Queries and documents: prefixes, cache keys, and what is forgotten."""

import numpy as np
import pytest

from liftos.kernel.embedding import (
    EmbedderUnavailable,
    EmbeddingManager,
    Extent,
    HashingEmbedder,
    InMemorySharedCache,
    TextKind,
    create_embedder,
)
from liftos.kernel.embedding.types import PLAIN, Profile

SECRET = b"a secret of this test"
ASYMMETRIC = Profile(query_prefix="question: ", document_prefix="text: ")


class Prefixed(HashingEmbedder):
    profile = ASYMMETRIC


def manager(**options):
    return EmbeddingManager(embedder=Prefixed(dimension=16), secret=SECRET, **options)


def test_each_kind_gets_its_prefix():
    plain, ours = HashingEmbedder(dimension=16), manager()

    np.testing.assert_array_equal(
        ours.embed("backups", kind=TextKind.QUERY), plain.embed(["question: backups"])[0]
    )
    np.testing.assert_array_equal(ours.embed("backups"), plain.embed(["text: backups"])[0])
    np.testing.assert_array_equal(
        ours.embed_many(["a", "b"], kind=TextKind.QUERY), plain.embed(["question: a", "question: b"])
    )


def test_the_kind_is_part_of_the_key_in_both_caches():
    shared = InMemorySharedCache()
    ours = manager(shared_cache=shared)

    query, document = ours.embed("a", kind=TextKind.QUERY), ours.embed("a", kind=TextKind.DOCUMENT)

    assert not np.array_equal(query, document)
    assert ours.stats()["cache_size"] == len(shared._entries) == 2
    assert ours.cache_key("a", kind=TextKind.QUERY) != ours.cache_key("a", kind=TextKind.DOCUMENT)
    assert manager(shared_cache=shared).embed("a", kind=TextKind.QUERY).tolist() == query.tolist()


def test_a_model_that_knows_no_kinds_shares_its_entries():
    plain = EmbeddingManager(embedder=HashingEmbedder(dimension=16), secret=SECRET)

    assert plain.profile is PLAIN
    plain.embed("a", kind=TextKind.QUERY)
    plain.embed("a", kind=TextKind.DOCUMENT)
    assert plain.stats()["cache_misses"] == 1


def test_both_kinds_of_a_text_are_forgotten():
    shared = InMemorySharedCache()
    ours = manager(shared_cache=shared)
    for kind in TextKind:
        ours.embed("a", kind=kind)

    assert ours.forget(["a"])

    assert ours.stats()["cache_size"] == len(shared._entries) == 0


@pytest.mark.parametrize("name", ["openai", "sentence-transformers", "fastembed"])
def test_prefixes_and_cosines_are_options_of_the_embedder(name):
    options = {"url": "http://localhost/v1", "dimension": 3} if name == "openai" else {}
    embedder = create_embedder(
        name, {"model": "m", **options, "query_prefix": "query: ", "related": 0.9, "unrelated": 0.7}
    )

    assert embedder.profile == Profile(query_prefix="query: ", related=0.9, unrelated=0.7)


def test_a_document_prefix_is_part_of_the_model_version():
    options = {"url": "http://localhost/v1", "model": "m", "dimension": 3}
    versions = {
        create_embedder("openai", options | {"document_prefix": prefix}).model.version
        for prefix in ("", "passage: ", "text: ")
    }

    assert len(versions) == 3
    assert create_embedder("openai", options | {"query_prefix": "q: "}).model.version == "3d"


@pytest.mark.parametrize(
    "options",
    [{"related": 0.2, "unrelated": 0.2}, {"related": 1.1}, {"unrelated": -1.1}, {"query_prefix": 5}],
)
def test_an_invalid_profile_is_refused(options):
    with pytest.raises(ValueError, match="profile"):
        create_embedder("openai", {"url": "http://localhost/v1", "model": "m", "dimension": 3} | options)


def test_an_embedder_without_extents_reads_everything():
    assert manager().extents(["a", "🚀"]) == [Extent.WHOLE, Extent.WHOLE]


def test_extents_of_a_broken_model_are_unavailable():
    class Broken(HashingEmbedder):
        def extents(self, texts):
            raise RuntimeError(texts)

    with pytest.raises(EmbedderUnavailable):
        EmbeddingManager(embedder=Broken()).extents(["a"])
