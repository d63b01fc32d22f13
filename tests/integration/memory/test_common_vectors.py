"""Searches by meaning less what all of an organisation's texts have in common."""

import numpy as np
import pytest

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import Viewer, viewing
from liftos.kernel.embedding import get_manager
from liftos.kernel.embedding.types import Profile
from liftos.kernel.tenancy.types import SYSTEM
from memory.index.collection_statistics import clear_counts
from memory.index.common_vectors import clear_common_vectors, common_vector
from memory.index.embeddings import active_manager
from memory.operations import remember_many
from memory.search.arms.meaning import arm
from memory.search.arms.meaning.arm import COMMON, QueryVector
from memory.search.service import search, search_many
from memory.search.types import SearchRequest, SearchType
from memory.types import MemoryDraft

MODEL = 1
KINDS = (
    "The {} branch reported {} orders for the month.", "In {} a valve was replaced after {} days.", "Tickets to {} cost {} crowns.",
    "A storm near {} felled {} spruces.", "The school at {} has {} pupils.", "Bread from {} is sold after {} hours.",
)  # fmt: skip
PLACES = ("Aalborg", "Gdynia", "Coimbra", "Turku", "Graz", "Leuven", "Rouen", "Bergen", "Split", "Galway")
FILLER = [kind.format(place, 3 + number) for number, place in enumerate(PLACES * 2) for kind in KINDS]
FACT = "A falconer walks the slopes with two hawks, which keeps birds off the grapes."


@pytest.fixture(autouse=True)
def fresh():
    clear_counts()
    clear_common_vectors()
    yield
    clear_common_vectors()


def store(organisation, texts):
    remember_many(organisation=organisation, by=SYSTEM, drafts=[MemoryDraft(text) for text in texts])
    clear_counts()


def embed(organisation, texts):
    return np.array(get_manager().embed_many(texts, organisation=organisation))


def ask(organisation, query, **options):
    request = SearchRequest(query, SearchType.NEURAL, **options)
    return search(organisation=organisation, by=SYSTEM, request=request).hits


def test_the_common_vector_is_the_mean_of_those_stored(organisation):
    store(organisation, [*FILLER, FACT])
    with tenant_transaction(organisation):
        common = common_vector(organisation, MODEL)
        assert common_vector(organisation, MODEL + 1) is None
    expected = embed(organisation, [*FILLER, FACT]).mean(axis=0)
    assert common == pytest.approx(expected, abs=2e-3)


def test_each_viewer_has_a_mean_of_its_own(organisation):
    store(organisation, FILLER[:3])
    with tenant_transaction(organisation):
        before = common_vector(organisation, MODEL)
    store(organisation, [FACT])
    with viewing(Viewer(scopes=(7,))), tenant_transaction(organisation):
        assert not np.array_equal(common_vector(organisation, MODEL), before)
    with tenant_transaction(organisation):
        assert np.array_equal(common_vector(organisation, MODEL), before)


def test_small_organisations_have_plain_cosines(organisation):
    store(organisation, FILLER[:20])
    query = "orders in Turku"
    [first, *_] = ask(organisation, query)
    plain = float(embed(organisation, [first.content])[0] @ embed(organisation, [query])[0])
    assert first.ranked.score == pytest.approx(plain, abs=2e-3)


def test_what_is_near_everything_gives_way_to_what_is_near_the_question(organisation, monkeypatch):
    store(organisation, [*FILLER, FACT])
    query = "Which branch protects its harvest from starlings?"

    def lead():
        hits = {hit.content: hit.ranked.score for hit in ask(organisation, query, limit=100)}
        return hits[FACT] - max(score for text, score in hits.items() if text != FACT)

    less = lead()
    monkeypatch.setattr(arm, "COMMON_FROM", 10_000)
    assert less > lead() + 0.005


@pytest.mark.parametrize("rows", [1, 15_000])
def test_every_plan_and_batches_give_the_same_scores(organisation, monkeypatch, rows):
    store(organisation, [*FILLER, FACT])
    monkeypatch.setattr(arm, "ALL_ROWS", rows)
    query = "Which branch protects its harvest from starlings?"
    expected = {hit.id: hit.ranked.score for hit in ask(organisation, query)}
    request = SearchRequest("", SearchType.NEURAL)
    answers = search_many(organisation=organisation, by=SYSTEM, queries=[query] * 6, request=request)
    for hits in answers.hits:
        assert {hit.id: hit.ranked.score for hit in hits} == pytest.approx(expected, abs=1e-3)


def test_if_nearly_all_texts_are_about_one_thing_nothing_is_taken_away(organisation):
    boots = [f"Boots of kind {number} sell well in the rain of autumn." for number in range(120)]
    store(organisation, [*boots, "Gloves are kept in the cellar."])
    found = ask(organisation, "boots in the rain", limit=20)
    assert all(hit.content.startswith("Boots") for hit in found)
    with tenant_transaction(organisation):
        common = common_vector(organisation, active_number(organisation))
    asked = QueryVector(embed(organisation, ["boots in the rain"])[0], MODEL)
    assert asked.without(common) is asked


def active_number(organisation):
    from liftos.kernel.embedding.catalogue import model_number

    return model_number(active_manager(organisation).model)


def test_a_text_as_near_the_mean_as_the_average_keeps_its_share():
    random = np.random.default_rng(3)
    texts = random.standard_normal((200, 64)).astype(np.float32) + 0.5
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    query, common = texts[0], texts.mean(axis=0)
    asked = QueryVector(query, MODEL, Profile()).without(common)
    assert np.linalg.norm(asked.vector) == pytest.approx(1, abs=1e-5)
    shares = np.array([asked.share(float(text @ asked.vector)) for text in texts])
    plain = texts @ query
    assert shares.mean() == pytest.approx(np.maximum(plain, 0).mean(), abs=0.02)
    nearest = np.argsort(texts @ common)
    assert (shares - plain)[nearest[:20]].mean() > 0 > (shares - plain)[nearest[-20:]].mean()
    assert COMMON < 1
