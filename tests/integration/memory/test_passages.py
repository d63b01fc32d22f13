"""Long memories are indexed, found, changed and removed by passage."""

from io import StringIO
from itertools import pairwise

import numpy as np
import pytest
from django.core.management import call_command

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.embedding import Extent, get_manager
from liftos.kernel.tenancy.types import SYSTEM
from memory.erasure.operations import forget
from memory.index import embeddings
from memory.index.bulk_reads import read_vectors
from memory.index.collection_statistics import clear_counts, get_corpus
from memory.index.stored import reindex
from memory.models import Memory, MemoryPassage, MemoryVector, Posting
from memory.operations import remember, remember_many
from memory.reembedding import fill, heal_pending, settle_states
from memory.search.arms.meaning import arm
from memory.search.service import search, search_many
from memory.search.types import SearchRequest, SearchType
from memory.trust.revision import revise
from memory.types import WHOLE, EmbeddingState, Mark, MemoryDraft
from tests.conftest import make_caller
from tests.factories.documents import document, pages

# each document is 64 passages to embed
pytestmark = pytest.mark.timeout(300)

FACT = "The skeleton of the whale that the museum shows weighs nine tonnes."
QUESTION = "How heavy are the bones of the big sea animal?"
VALVE = "The relief valve in the cellar opens at four bar."


def store(organisation, content, layout=(), **fields):
    draft = MemoryDraft(content, layout=layout, **fields)
    return remember(organisation=organisation, by=SYSTEM, draft=draft)


def ask(organisation, query, search_type=SearchType.HYBRID, **options):
    request = SearchRequest(query, search_type, **options)
    return search(organisation=organisation, by=SYSTEM, request=request).hits


def rows(organisation, model, **conditions):
    with tenant_transaction(organisation):
        return list(model.objects.filter(**conditions))


def count(organisation, model, **conditions):
    return len(rows(organisation, model, **conditions))


def test_a_short_memory_is_one_passage_with_one_vector(organisation):
    memory = store(organisation, VALVE, layout=(Mark(0, 3),))
    assert count(organisation, MemoryPassage) == 0
    [vector] = rows(organisation, MemoryVector)
    assert (vector.memory_id, vector.passage) == (memory.id, 0)
    assert {each.passage for each in rows(organisation, Posting)} == {0}
    [hit] = ask(organisation, "valve")
    assert (hit.passages[0].text, hit.passages[0].start, hit.passages[0].end) == (VALVE, 0, len(VALVE))
    assert hit.passage_count == 1


def test_a_long_memory_has_a_row_and_a_vector_for_each_passage(organisation):
    text, layout = document(FACT)
    memory = store(organisation, text, layout)
    assert memory.embedding is EmbeddingState.READY
    passages = sorted(rows(organisation, MemoryPassage), key=lambda each: each.passage)
    assert [each.passage for each in passages] == list(range(len(passages)))
    assert passages[0].start == 0
    assert passages[-1].end == len(text)
    assert all(one.end <= other.start for one, other in pairwise(passages))
    assert {each.page for each in passages} == set(range(1, 21))
    assert passages[0].heading == "Report > Chapter 1"
    vectors = rows(organisation, MemoryVector)
    assert {each.passage for each in vectors} == {each.passage for each in passages}
    [row] = rows(organisation, Memory)
    assert row.passages == len(passages) == len(vectors)
    postings = rows(organisation, Posting)
    assert row.term_count == len(postings)
    assert row.word_count == sum(each.tf for each in postings)
    [place] = {each.passage for each in postings if each.term == "whale"}
    assert FACT in text[passages[place].start : passages[place].end]
    with tenant_transaction(organisation):
        corpus = get_corpus(organisation)
    assert (corpus.documents, corpus.memories) == (len(passages), 1)


@pytest.mark.parametrize("search_type", [SearchType.NEURAL, SearchType.KNOWLEDGE, SearchType.HYBRID])
def test_a_fact_deep_in_a_document_is_found_by_its_passage(organisation, search_type):
    text, layout = document(FACT)
    memory = store(organisation, text, layout)
    store(organisation, document("Nothing here.", start=5)[0])
    query = "whale skeleton" if search_type is SearchType.KNOWLEDGE else QUESTION
    clear_counts()
    hit = ask(organisation, query, search_type)[0]
    assert hit.id == memory.id
    best = hit.passages[0]
    assert FACT in best.text
    assert text[best.start : best.end] == best.text
    assert (best.page, best.heading) == (17, "Report > Chapter 5")


def test_a_batch_finds_the_passage_of_each_query(organisation):
    text, layout = document(FACT)
    store(organisation, text, layout)
    other, _ = document(VALVE, page=3, start=5)
    store(organisation, other)
    queries = [QUESTION, "At what pressure does the cellar's valve open?"] * 5
    for search_type in (SearchType.NEURAL, SearchType.HYBRID):
        answers = search_many(
            organisation=organisation, by=SYSTEM, queries=queries, request=SearchRequest("", search_type)
        )
        found = [hits[0].passages[0].text for hits in answers.hits]
        assert all((FACT, VALVE)[place % 2] in text for place, text in enumerate(found))


@pytest.mark.parametrize("plan", ["all", "exact", "graph", "batch"])
def test_a_memory_of_a_hundred_passages_does_not_crowd_out_others(organisation, monkeypatch, plan):
    long = " ".join(f"Boots of kind {number} sell well in the rain of autumn." for number in range(2_000))
    memory = store(organisation, long)
    while heal_pending(organisation=organisation):
        pass
    assert count(organisation, MemoryVector) > 100
    texts = [f"Gloves of kind {number} are kept in the cellar." for number in range(20)]
    remember_many(organisation=organisation, by=SYSTEM, drafts=[MemoryDraft(text) for text in texts])
    clear_counts()
    monkeypatch.setattr(arm, "ALL_ROWS", 1 if plan != "all" else 1_000)
    if plan == "graph":
        from memory.index import vector_graph

        monkeypatch.setattr(arm, "EXACT_ROWS", 10)
        monkeypatch.setattr(vector_graph, "GRAPH_ROWS", 10)
        while vector_graph.grow_graph(organisation):
            pass
    query = "boots in the rain"
    if plan == "batch":
        request = SearchRequest("", SearchType.NEURAL, limit=15)
        answers = search_many(organisation=organisation, by=SYSTEM, queries=[query] * 6, request=request)
        found = answers.hits[0]
    else:
        found = ask(organisation, query, SearchType.NEURAL, limit=15)
    assert len(found) == len({hit.id for hit in found}) == 15
    assert found[0].id == memory.id
    assert [hit.ranked.score for hit in found] == sorted((hit.ranked.score for hit in found), reverse=True)


def test_the_score_of_a_long_memory_is_that_of_its_best_passage(organisation):
    text, layout = document(FACT)
    memory = store(organisation, text, layout)
    [hit] = ask(organisation, QUESTION, SearchType.NEURAL)
    best = hit.passages[0]
    heading = best.heading.rpartition(" > ")[2]
    assert heading
    vector = get_manager().embed(f"{heading}\n{best.text}", organisation=organisation)
    from liftos.kernel.embedding import TextKind

    asked = get_manager().embed(QUESTION, kind=TextKind.QUERY, organisation=organisation)
    assert hit.ranked.terms[0].raw == pytest.approx(float(vector @ asked), abs=2e-3)
    with tenant_transaction(organisation):
        mean = read_vectors(organisation=organisation, model=1, memories=[memory.id])[memory.id]
    assert np.linalg.norm(mean) == pytest.approx(1, abs=1e-3)


def test_a_prompt_holds_the_passage_and_not_the_beginning(organisation):
    from memory.search.prompt import as_prompt

    text, layout = document(FACT)
    store(organisation, text, layout)
    store(organisation, document("Nothing here.", start=5)[0])
    hits = ask(organisation, QUESTION, passages=8)
    prompt = as_prompt(hits, 2_000)
    assert FACT in prompt.text
    assert len(prompt.ids) == 2
    assert text[:60] not in prompt.text
    assert 1_500 < prompt.tokens <= 2_000


def test_a_revision_embeds_only_what_changed_and_keeps_the_old_passages(organisation, monkeypatch):
    text, layout = document(FACT)
    memory = store(organisation, text, layout)
    before = {each.passage for each in rows(organisation, MemoryVector)}
    asked = []
    manager = get_manager()
    embed_many = type(manager).embed_many
    monkeypatch.setattr(
        type(manager),
        "embed_many",
        lambda self, texts, **k: asked.extend(texts) or embed_many(self, texts, **k),
    )
    changed = text.replace("nine tonnes", "thirty tonnes")
    revise(
        organisation=organisation, by=SYSTEM, memory=memory.id,
        changes={"content": changed, "layout": layout}, version=None,
    )  # fmt: skip
    assert len(asked) == 1
    assert "thirty tonnes" in asked[0]
    [earlier] = rows(organisation, Memory, head=memory.id)
    assert {each.passage for each in rows(organisation, MemoryVector, memory_id=earlier.id)} == before
    assert {each.page for each in rows(organisation, MemoryPassage, memory_id=earlier.id)} == set(
        range(1, 21)
    )
    assert {each.page for each in rows(organisation, MemoryPassage, memory_id=memory.id)} == set(range(1, 21))
    [now] = ask(organisation, QUESTION)
    assert "thirty tonnes" in now.passages[0].text
    [then] = ask(organisation, QUESTION, known_at=earlier.changed_at)
    assert then.id == memory.id
    assert "nine tonnes" in then.passages[0].text
    assert then.passages[0].page == 17


def test_a_change_of_metadata_keeps_passages_and_vectors(organisation):
    text, layout = document(FACT)
    memory = store(organisation, text, layout)
    before = {(each.passage, each.start, each.page) for each in rows(organisation, MemoryPassage)}
    changes = {"metadata": {"kind": "report"}}
    revise(organisation=organisation, by=SYSTEM, memory=memory.id, changes=changes, version=None)
    now = rows(organisation, MemoryPassage, memory_id=memory.id)
    assert {(each.passage, each.start, each.page) for each in now} == before
    assert count(organisation, MemoryVector, memory_id=memory.id) == len(before)
    assert ask(organisation, QUESTION)[0].passages[0].page == 17


def test_an_erasure_leaves_no_passage(organisation):
    text, layout = document(FACT)
    memory = store(organisation, text, layout)
    changes = {"content": text.replace("nine", "ten"), "layout": layout}
    revise(organisation=organisation, by=SYSTEM, memory=memory.id, changes=changes, version=None)
    passages = count(organisation, MemoryPassage)
    manager = get_manager()
    [best] = ask(organisation, QUESTION)
    embedded = f"{best.passages[0].heading.rpartition(' > ')[2]}\n{best.passages[0].text}"
    key = manager.cache_key(embedded, organisation=organisation)
    assert manager._cache.get(key) is not None
    forget(organisation=organisation, by=SYSTEM, memory=memory.id)
    for model in (Memory, MemoryPassage, MemoryVector, Posting):
        assert count(organisation, model) == 0
    assert manager._cache.get(key) is None
    with tenant_transaction(organisation):
        corpus = get_corpus(organisation)
        from memory.models import Erasure

        removed = Erasure.objects.get().removed
    assert (corpus.documents, corpus.memories, corpus.words) == (0, 0, 0)
    assert removed["passages"] == passages > 40


def test_a_very_long_memory_is_found_by_words_at_once_and_embedded_by_a_worker(organisation, monkeypatch):
    monkeypatch.setattr(embeddings, "AT_ONCE", 64)
    text = "\n\n".join(pages(60))
    memory = store(organisation, text + f" {FACT}")
    assert count(organisation, MemoryPassage) > 64
    assert memory.embedding is EmbeddingState.PENDING
    assert count(organisation, MemoryVector) == 0
    assert FACT in ask(organisation, "whale", SearchType.KNOWLEDGE)[0].passages[0].text
    calls = 0
    while heal_pending(organisation=organisation):
        calls += 1
    assert calls > 1
    assert count(organisation, MemoryVector) == count(organisation, MemoryPassage)
    [row] = rows(organisation, Memory)
    assert row.embedding == "ready"
    assert FACT in ask(organisation, QUESTION, SearchType.NEURAL)[0].passages[0].text


def test_a_call_embeds_so_many_passages_and_leaves_the_rest_to_a_worker(organisation, monkeypatch):
    monkeypatch.setattr(embeddings, "TOGETHER", 120)
    long = MemoryDraft(document(FACT)[0])
    drafts = [MemoryDraft("short"), long, long, MemoryDraft("short too")]
    stored = remember_many(organisation=organisation, by=SYSTEM, drafts=drafts)
    assert [str(each.embedding) for each in stored] == ["ready", "ready", "pending", "ready"]


def test_a_vector_of_the_callers_own_stands_for_a_long_memory_as_a_whole(organisation):
    text, layout = document(FACT)
    own = get_manager().embed("a purple elephant", organisation=organisation)
    memory = store(organisation, text, layout, embedding=own)
    [vector] = rows(organisation, MemoryVector)
    assert (vector.passage, memory.embedding) == (WHOLE, EmbeddingState.READY)
    assert heal_pending(organisation=organisation) == 0
    [hit] = ask(organisation, "a purple elephant", SearchType.NEURAL)
    assert hit.ranked.terms[0].raw == pytest.approx(1, abs=0.01)
    assert hit.passages[0].number == 0
    [hit] = ask(organisation, "whale skeleton")
    assert FACT in hit.passages[0].text


def test_what_the_model_does_not_read_is_told(organisation, monkeypatch):
    extents = {"some": Extent.WHOLE, "part": Extent.PART, "none": Extent.NOTHING}
    monkeypatch.setattr(
        type(get_manager()), "extents",
        lambda self, texts: [extents.get(text.split()[0], Extent.WHOLE) for text in texts],
    )  # fmt: skip
    assert store(organisation, "some words").embedding is EmbeddingState.READY
    assert store(organisation, "part of this").embedding is EmbeddingState.PARTIAL
    unreadable = store(organisation, "none of this")
    assert unreadable.embedding is EmbeddingState.UNREADABLE
    assert count(organisation, MemoryVector, memory_id=unreadable.id) == 0
    assert [hit.id for hit in ask(organisation, "none", SearchType.KNOWLEDGE)] == [unreadable.id]
    mixed = store(organisation, "\n\n".join(["some " + "words " * 300, "none " + "words " * 300]))
    assert mixed.embedding is EmbeddingState.PARTIAL
    assert 0 < count(organisation, MemoryVector, memory_id=mixed.id) < count(organisation, MemoryPassage)


def test_an_import_cuts_a_document_as_the_export_did(organisation, tmp_path):
    giver, taker = make_caller("giver"), make_caller("taker")
    text, layout = document(FACT)
    memory = store(giver.organisation, text, layout)
    changes = {"content": text.replace("nine", "ten"), "layout": layout}
    revise(organisation=giver.organisation, by=SYSTEM, memory=memory.id, changes=changes, version=None)
    path = str(tmp_path / "all.ndjson")
    call_command("export_memories", giver.slug, path, stderr=StringIO())
    call_command("import_memories", taker.slug, path, stdout=StringIO(), stderr=StringIO())

    def passages(caller):
        with tenant_transaction(caller.organisation):
            found = MemoryPassage.objects.values_list(
                "memory__head", "passage", "start", "end", "page", "heading"
            )
            return sorted((head is None, *rest) for head, *rest in found)

    assert passages(giver) == passages(taker)
    assert len(passages(giver)) == 162
    while heal_pending(organisation=taker.organisation):
        pass
    [hit] = ask(taker.organisation, QUESTION)
    assert hit.passages[0].page == 17
    [earlier] = rows(giver.organisation, Memory, head=memory.id)
    [then] = ask(taker.organisation, QUESTION, known_at=earlier.changed_at)
    assert "nine tonnes" in then.passages[0].text


def test_reindexing_cuts_what_was_stored_whole(organisation, monkeypatch):
    from memory.analysis import extraction
    from memory.analysis.passages import Passage

    text, _ = document(FACT)
    with monkeypatch.context() as as_before:
        as_before.setattr(extraction, "cut", lambda content, layout=(): [Passage(0, len(content))])
        memory = store(organisation, text)
        short = store(organisation, VALVE)
    assert count(organisation, MemoryPassage) == 0
    assert ask(organisation, "whale")[0].passages[0].end == len(text)
    with tenant_transaction(organisation):
        assert reindex(organisation, [memory.id, short.id]) == 2
    [vector] = rows(organisation, MemoryVector, memory_id=memory.id)
    assert vector.passage == WHOLE
    [row] = rows(organisation, Memory, id=memory.id)
    assert row.embedding == "pending"
    [row] = rows(organisation, Memory, id=short.id)
    assert row.embedding == "ready"
    assert FACT in ask(organisation, "whale")[0].passages[0].text
    while heal_pending(organisation=organisation):
        pass
    assert FACT in ask(organisation, QUESTION, SearchType.NEURAL)[0].passages[0].text
    with tenant_transaction(organisation):
        before = get_corpus(organisation)
        assert reindex(organisation, [memory.id, short.id]) == 2
        assert get_corpus(organisation) == before
    assert {each.embedding for each in rows(organisation, Memory)} == {"ready"}
    assert count(organisation, MemoryVector) == count(organisation, MemoryPassage) + 2


def test_reindexing_removes_words_of_an_earlier_analyser(organisation):
    memory = store(organisation, VALVE)
    with tenant_transaction(organisation):
        Posting.objects.filter(term="valv").update(term="valve")
        reindex(organisation, [memory.id])
        terms = set(Posting.objects.values_list("term", flat=True))
    assert "valv" in terms
    assert "valve" not in terms


def test_another_organisation_has_none_of_the_passages(organisations):
    one, other = organisations
    store(one, document(FACT)[0])
    assert count(other, MemoryPassage) == 0
    assert ask(other, QUESTION) == []


def test_states_follow_the_model_that_reads(organisation, monkeypatch):
    short, long = store(organisation, VALVE), store(organisation, document(FACT)[0])
    manager = get_manager()
    monkeypatch.setattr(
        type(manager), "extents",
        lambda self, texts: [Extent.NOTHING if text == VALVE else Extent.PART for text in texts],
    )  # fmt: skip
    with tenant_transaction(organisation):
        MemoryVector.objects.filter(memory_id=short.id).delete()
    assert settle_states(organisation=organisation, manager=manager) == 2
    states = {each.id: each.embedding for each in rows(organisation, Memory)}
    assert states == {short.id: "unreadable", long.id: "partial"}
    monkeypatch.undo()
    assert settle_states(organisation=organisation, manager=manager) == 2
    assert {each.embedding for each in rows(organisation, Memory)} == {"ready"}


def test_another_model_reads_every_passage(organisation):
    memory = store(organisation, document(FACT)[0])
    passages = count(organisation, MemoryPassage)
    manager = get_manager()
    with tenant_transaction(organisation):
        MemoryVector.objects.filter(memory_id=memory.id).delete()
    assert list(fill(organisation=organisation, manager=manager)) == [1]
    assert count(organisation, MemoryVector) == passages
    assert list(fill(organisation=organisation, manager=manager)) == []
