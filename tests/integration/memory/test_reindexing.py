"""Rebuilding an organisation's index of words after the analyser has changed."""

from collections import Counter
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from accountability.models import DecisionRecord
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.tenancy.models import Organisation
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory import reindexing, tasks
from memory.analysis import extraction
from memory.analysis.stems import stems
from memory.analysis.words import ANALYSER
from memory.erasure.operations import forget
from memory.index import collection_languages
from memory.index.collection_statistics import get_corpus
from memory.models import IndexState, Memory, Posting
from memory.operations import remember_many
from memory.search.service import search
from memory.search.types import SearchRequest, SearchType
from memory.trust.revision import revise
from memory.types import MemoryDraft

TEXTS = [
    "The team signed the lease of the warehouse.",
    "L'équipe de Lyon a livré les meules de comté.",
    "Die Umsatzsteuererhöhung wurde gestern im Parlament beschlossen.",
    "น้ำมันพืชอยู่ในคลังสินค้า",
    "O'Brien met the team in Dublin.",
]


def earlier_words(text):
    """Stand in for the analyser of an earlier version."""
    return "", Counter(stems([word.strip(".,") for word in text.lower().split()], "en"))


def store(organisation, texts):
    remember_many(organisation=organisation, by=SYSTEM, drafts=[MemoryDraft(text) for text in texts])


@pytest.fixture
def old(organisation, monkeypatch):
    """An organisation whose index an earlier version built."""
    with monkeypatch.context() as earlier:
        earlier.setattr(extraction, "read_words", earlier_words)
        store(organisation, TEXTS)
    with tenant_transaction(organisation):
        IndexState.objects.filter(organisation_id=organisation).update(
            analyser="english-1", target="english-1"
        )
    return organisation


def found(organisation, query):
    collection_languages.clear_languages()
    request = SearchRequest(query=query, search_type=SearchType.KNOWLEDGE, limit=5)
    return [hit.content for hit in search(organisation=organisation, by=SYSTEM, request=request).hits]


def index_of(organisation):
    """Return the postings by text, and the counters."""
    with tenant_transaction(organisation):
        texts = dict(Memory.objects.filter(organisation_id=organisation).values_list("id", "content"))
        rows = Posting.objects.filter(organisation_id=organisation).values_list(
            "memory_id", "term", "tf", "length"
        )
        return sorted((texts[memory], *row) for memory, *row in rows), get_corpus(organisation)


def rebuild(organisation):
    reindexing.begin(organisation=organisation)
    return list(reindexing.rebuild(organisation=organisation))


def fresh(texts):
    other = create_organisation(name=f"Fresh {uuid4()}", by=SYSTEM).id
    store(other, texts)
    return other


def test_a_rebuilt_index_is_that_of_memories_stored_today(old):
    assert index_of(old) != index_of(fresh(TEXTS))
    assert rebuild(old) == [len(TEXTS)]
    assert index_of(old) == index_of(fresh(TEXTS))


def test_search_answers_before_during_and_after(old, monkeypatch):
    monkeypatch.setattr(reindexing, "CHUNK", 2)
    assert found(old, "warehouse") == [TEXTS[0]]
    assert found(old, "équipes") == []
    reindexing.begin(organisation=old)
    seen = []
    for _ in reindexing.rebuild(organisation=old):
        assert found(old, "warehouse") == [TEXTS[0]]
        seen.append(found(old, "Steuer"))
    assert seen[0] == []
    assert seen[-1] == [TEXTS[2]]
    assert found(old, "équipes") == [TEXTS[1]]
    assert found(old, "น้ำมัน") == [TEXTS[3]]
    assert found(old, "OBrien") == [TEXTS[4]]


def test_an_interrupted_rebuild_goes_on_where_it_stopped(old, monkeypatch):
    monkeypatch.setattr(reindexing, "CHUNK", 2)
    assert reindexing.begin(organisation=old) == len(TEXTS)
    assert next(reindexing.rebuild(organisation=old)) == 2
    assert reindexing.begin(organisation=old) == len(TEXTS) - 2
    assert list(reindexing.rebuild(organisation=old)) == [2, 1]
    assert index_of(old) == index_of(fresh(TEXTS))


def test_what_is_stored_changed_or_erased_meanwhile_is_indexed_once(old, monkeypatch):
    monkeypatch.setattr(reindexing, "CHUNK", 1)
    with tenant_transaction(old):
        ids = dict(Memory.objects.filter(organisation_id=old).values_list("content", "id"))
    reindexing.begin(organisation=old)
    steps = reindexing.rebuild(organisation=old)
    next(steps)
    store(old, ["Una memoria nueva del almacén."])
    revise(
        organisation=old,
        by=SYSTEM,
        memory=ids[TEXTS[0]],
        changes={"content": "The lease ended."},
        version=None,
    )
    revise(
        organisation=old, by=SYSTEM, memory=ids[TEXTS[4]], changes={"content": "O'Brien left."}, version=None
    )
    forget(organisation=old, by=SYSTEM, memory=ids[TEXTS[2]])
    list(steps)
    postings, corpus = index_of(old)
    assert found(old, "Steuer") == []
    with tenant_transaction(old):
        stored = Memory.objects.filter(organisation_id=old)
        assert sum(stored.values_list("word_count", flat=True)) == corpus.words
        assert sum(stored.values_list("term_count", flat=True)) == len(postings)
        assert stored.count() == corpus.memories
    assert list(reindexing.list_organisations_to_reindex()) == []


def test_a_second_rebuild_has_nothing_to_do_unless_asked(old):
    rebuild(old)
    before = index_of(old)
    assert reindexing.begin(organisation=old) == 0
    assert rebuild(old) == []
    assert reindexing.begin(organisation=old, again=True) == len(TEXTS)
    assert list(reindexing.rebuild(organisation=old)) == [len(TEXTS)]
    assert index_of(old) == before


def test_organisations_to_rebuild_are_those_with_memories_of_another_analyser(old, organisation):
    new, empty = fresh(TEXTS[:1]), create_organisation(name="Empty", by=SYSTEM).id
    assert reindexing.list_organisations_to_reindex() == [old]
    with tenant_transaction(new):
        IndexState.objects.filter(organisation_id=new).delete()
    assert set(reindexing.list_organisations_to_reindex()) == {old, new}
    assert empty not in reindexing.list_organisations_to_reindex()
    rebuild(new)
    rebuild(old)
    assert reindexing.list_organisations_to_reindex() == []


def test_a_rebuild_is_on_record(old):
    rebuild(old)
    with tenant_transaction(old):
        record = DecisionRecord.objects.get(organisation_id=old, operation="memory.reindex")
    assert record.versions["analyser"] == ANALYSER


def test_the_sweep_rebuilds(old, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks, "send_hint", lambda name, organisation: sent.append((name, organisation)))
    tasks.sweep_indexes()
    assert sent == [("memory.reindex", old)]
    tasks.reindex(str(old))
    assert index_of(old) == index_of(fresh(TEXTS))


def test_the_command_rebuilds_one_or_all(old):
    slug = Organisation.objects.get(id=old).slug
    out = StringIO()
    call_command("reindex", slug, stdout=out)
    assert out.getvalue() == f"{slug}: indexed by {ANALYSER}, 5 memories\n"
    again = StringIO()
    call_command("reindex", "--all", stdout=again)
    assert f"{slug}: already indexed by {ANALYSER}\n" in again.getvalue()
    forced = StringIO()
    call_command("reindex", slug, "--again", stdout=forced)
    assert forced.getvalue() == out.getvalue()


@pytest.mark.parametrize("arguments", [[], ["nobody"], ["nobody", "--all"]])
def test_the_command_refuses_what_names_no_organisation(db, arguments):
    with pytest.raises(CommandError):
        call_command("reindex", *arguments)


def test_a_new_organisation_is_noted_with_its_first_memory(organisation):
    store(organisation, ["One."])
    store(organisation, ["Two."])
    with tenant_transaction(organisation):
        state = IndexState.objects.get(organisation_id=organisation)
    assert (state.analyser, state.target, state.after) == (ANALYSER, ANALYSER, None)


def test_the_languages_of_an_organisation(organisation):
    store(organisation, TEXTS)
    with tenant_transaction(organisation):
        assert collection_languages.approximate_languages(organisation) == ("de", "fr", "th")
        with raw_cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            plan = cursor.execute("EXPLAIN " + collection_languages.LANGUAGES, {"organisation": organisation})
            assert "memory_by_language" in str(plan.fetchall())
