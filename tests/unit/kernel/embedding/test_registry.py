"""The embedder registry."""

import pytest

from liftos.kernel.embedding import (
    EMBEDDERS,
    EmbedderUnavailable,
    HashingEmbedder,
    MiniLmEmbedder,
    OpenAiCompatibleEmbedder,
    create_embedder,
    local_models,
)

OPTIONS = {
    "openai": {"url": "http://localhost/v1", "model": "m", "dimension": 3},
    "sentence-transformers": {"model": "m"},
    "fastembed": {"model": "m"},
}


@pytest.mark.parametrize("name", EMBEDDERS)
def test_every_name_makes_its_embedder_without_loading_it(name):
    assert type(create_embedder(name, OPTIONS.get(name))) is EMBEDDERS[name]


def test_options_reach_the_embedder():
    assert create_embedder("hashing", {"dimension": 7}).model.dimension == 7
    assert isinstance(create_embedder("minilm"), MiniLmEmbedder)
    assert create_embedder("openai", OPTIONS["openai"]).model.name == "m"


@pytest.mark.parametrize("name", ["", "broken", "MiniLM"])
def test_unknown_name_lists_known_ones(name):
    with pytest.raises(ValueError, match="minilm, openai"):
        create_embedder(name)


def test_an_unknown_option_is_named_without_its_value():
    with pytest.raises(ValueError, match="api_kee") as caught:
        create_embedder("openai", OPTIONS["openai"] | {"api_kee": "hush"})

    assert "hush" not in str(caught.value)


def test_unsupported_url_scheme_is_refused():
    with pytest.raises(ValueError, match="http"):
        OpenAiCompatibleEmbedder(url="file:///etc/passwd", model="m", dimension=3)


@pytest.mark.parametrize("kind", [EMBEDDERS["sentence-transformers"], EMBEDDERS["fastembed"]])
def test_uninstalled_package_is_named(monkeypatch, kind):
    monkeypatch.setattr(kind, "package", "no_such_package")

    with pytest.raises(EmbedderUnavailable, match="no_such_package"):
        kind(model="m").embed(["a"])


class FakeSentenceTransformers:
    class SentenceTransformer:
        def __init__(self, name, **options):
            assert (name, options) == ("m", {"device": "cpu"})

        def encode(self, texts, **_options):
            return 5 * HashingEmbedder(dimension=6).embed(texts)


class FakeFastEmbed:
    class TextEmbedding:
        def __init__(self, model_name, **options):
            assert (model_name, options) == ("m", {"device": "cpu"})

        def embed(self, texts):
            yield from 5 * HashingEmbedder(dimension=6).embed(texts)


@pytest.mark.parametrize(
    ("name", "package"),
    [("sentence-transformers", FakeSentenceTransformers), ("fastembed", FakeFastEmbed)],
)
def test_an_installed_package_gives_unit_vectors(monkeypatch, name, package):
    monkeypatch.setattr(local_models.importlib, "import_module", lambda _name: package)
    embedder = create_embedder(name, {"model": "m", "device": "cpu"})

    vectors = embedder.embed(["a", "b"])

    assert embedder.model.dimension == 6
    assert (abs((vectors**2).sum(axis=1) - 1) < 1e-6).all()
    assert embedder.embed([]).shape == (0, 6)
