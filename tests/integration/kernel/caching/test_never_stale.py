"""A cached search over real memories: every write it depends on invalidates it, and nothing else does."""

import threading
from uuid import uuid4

import pytest
from django.apps import apps
from django.db import connection, transaction
from psycopg import sql

from liftos.kernel.caching.change_tokens.queries import get_generation
from liftos.kernel.caching.results import FunctionCache
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.embedding import get_manager
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.functions import find_function
from liftos.kernel.tenancy.operations import create_organisation
from liftos.kernel.tenancy.types import SYSTEM
from memory.erasure.operations import forget
from memory.index import writes
from memory.models import Erasure
from memory.operations import remember, remember_many
from memory.search.service import search
from memory.search.types import SearchRequest
from memory.trust import corrections
from memory.trust.superseding import supersede
from memory.types import LinkDraft, LinkKind, MemoryDraft

pytestmark = [pytest.mark.usefixtures("committed_db"), pytest.mark.enable_socket]


class Searches:
    """Cached searches of one organisation, with a count of computations."""

    def __init__(self, organisation):
        self.organisation, self.computed = organisation, 0
        self.cache = FunctionCache(secret=uuid4().bytes)
        self.function = find_function("memory.search")

    def __call__(self, query="boots"):
        def compute():
            self.computed += 1
            answer = search(organisation=self.organisation, by=SYSTEM, request=SearchRequest(query))
            return sorted(str(hit.id) for hit in answer.hits)

        return self.cache.call(self.function, self.organisation, {"query": query}, compute)


@pytest.fixture
def organisation(committed_db):
    return create_organisation(name="Solo", by=SYSTEM).id


@pytest.fixture
def searches(organisation):
    return Searches(organisation)


def store(organisation, content="boots", **more):
    return remember(organisation=organisation, by=SYSTEM, draft=MemoryDraft(content, **more)).id


def test_store_then_search_again_finds_the_new_memory_at_once(organisation, searches):
    first = store(organisation)
    assert searches() == ([str(first)], False)
    assert searches() == ([str(first)], True)
    second = store(organisation, "rain boots")
    assert searches() == (sorted([str(first), str(second)]), False)
    assert searches()[1] is True


def _link(organisation):
    kind = LinkKind.SUPPORTS
    draft = MemoryDraft("boots again", source="s", external_id="a", links=(LinkDraft(kind, "b"),))
    remember(organisation=organisation, by=SYSTEM, draft=draft)


def _vector(organisation):
    model, vector = model_number(get_manager().model), get_manager().embed("sunshine")
    with tenant_transaction(organisation), raw_cursor() as cursor:
        cursor.execute("SELECT memory_id FROM memory_memoryvector LIMIT 1")
        memory = cursor.fetchone()[0]
        cursor.execute("DELETE FROM memory_memoryvector WHERE memory_id = %s", (memory,))
        writes.insert_vectors(organisation, model, [(memory, 0, vector)])


WRITES = {
    "many": lambda organisation, memory: remember_many(
        organisation=organisation, by=SYSTEM, drafts=[MemoryDraft("a"), MemoryDraft("b")]
    ),
    "link": lambda organisation, memory: _link(organisation),
    "vector": lambda organisation, memory: _vector(organisation),
    "contest": lambda organisation, memory: corrections.contest(
        organisation=organisation, by=SYSTEM, memory=memory, reason="x"
    ),
    "reject": lambda organisation, memory: corrections.reject(
        organisation=organisation, by=SYSTEM, memory=memory, reason="x"
    ),
    "supersede": lambda organisation, memory: supersede(
        organisation=organisation, by=SYSTEM, memory=memory, draft=MemoryDraft("new boots"), reason="x"
    ),
    "erase": lambda organisation, memory: forget(organisation=organisation, by=SYSTEM, memory=memory),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_every_kind_of_write_invalidates_cached_results(organisation, searches, write):
    memory = store(organisation, source="s", external_id="b")
    searches()
    write(organisation, memory)
    fresh = Searches(organisation)
    assert searches() == (fresh()[0], False)


def test_reads_and_other_organisations_invalidate_nothing(organisation, searches):
    memory = store(organisation)
    searches()
    other = create_organisation(name="Other", by=SYSTEM).id
    store(other)
    search(organisation=organisation, by=SYSTEM, request=SearchRequest("boots"))
    assert searches() == ([str(memory)], True)
    assert Searches(other)()[0] != [str(memory)]


@pytest.mark.embeds_in_a_transaction
def test_rolled_back_write_leaves_no_token(organisation, searches):
    first = store(organisation)
    searches()
    with pytest.raises(ZeroDivisionError), tenant_transaction(organisation):
        second = store(organisation)
        # its own transaction sees it, and what it computes is for nobody else
        assert searches() == (sorted([str(first), str(second)]), False)
        raise ZeroDivisionError
    assert searches() == ([str(first)], True)


@pytest.mark.embeds_in_a_transaction
def test_rolled_back_savepoint_does_not_hide_a_later_write(organisation, searches):
    searches()
    with tenant_transaction(organisation):
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            store(organisation)
            raise ZeroDivisionError
        kept = store(organisation)
    assert searches() == ([str(kept)], False)


@pytest.mark.embeds_in_a_transaction
def test_result_before_an_own_write_is_not_found_after_it(organisation, searches):
    with tenant_transaction(organisation):
        assert searches() == ([], False)
        memory = store(organisation)
    assert searches() == ([str(memory)], False)


@pytest.mark.embeds_in_a_transaction
def test_two_organisations_in_one_transaction_both_leave_tokens(organisation):
    other = create_organisation(name="Other", by=SYSTEM).id
    with transaction.atomic():
        store(organisation)
        store(other)
    for each in (organisation, other):
        assert get_generation(organisation=each, things=["memories"]).name


def test_writers_do_not_wait_for_one_another(organisation, searches):
    """One writer has not committed while another writes and commits."""
    searches()
    finished = []

    def other():
        try:
            with connection.cursor() as cursor:
                # how long it takes is the machine's affair; that it waits for nobody is ours
                cursor.execute("SET lock_timeout = '1s'")
            with tenant_transaction(organisation), raw_cursor() as cursor:
                cursor.execute(
                    "UPDATE memory_memory SET importance = 0.5 WHERE organisation_id = %s", (organisation,)
                )
            finished.append(True)
        finally:
            connection.close()

    with tenant_transaction(organisation), raw_cursor() as cursor:
        cursor.execute("DELETE FROM memory_memorylink WHERE organisation_id = %s", (organisation,))
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(60)
        assert finished == [True]


def test_states_never_recur_and_tokens_stay_few(organisation):
    names = set()
    for number in range(300):
        with tenant_transaction(organisation), raw_cursor() as cursor:
            cursor.execute("DELETE FROM memory_memorylink WHERE organisation_id = %s", (organisation,))
        names.add(get_generation(organisation=organisation, things=["memories"]).name)
        assert len(names) == number + 1
    with tenant_transaction(organisation), raw_cursor() as cursor:
        cursor.execute("SELECT count(*) FROM generations_mark")
        assert 1 <= cursor.fetchone()[0] <= 128


def test_concurrent_readers_see_every_committed_write(organisation):
    """Four readers share cached results; a read after a commit sees the commit."""
    from tests.factories.results import InMemoryResults

    shared, secret = InMemoryResults(), b"s"
    function = find_function("memory.search")
    committed, done, faults = [0], threading.Event(), []

    def read():
        cache = FunctionCache(shared=shared, secret=secret)

        def count():
            with tenant_transaction(organisation), raw_cursor() as cursor:
                return cursor.execute("SELECT count(*) FROM memory_memorylink").fetchone()[0]

        try:
            while not done.is_set():
                before = committed[0]
                found, _ = cache.call(function, organisation, {}, count)
                if found < before:
                    faults.append((found, before))
        finally:
            connection.close()

    memory = store(organisation)
    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    for number in range(1, 151):
        with tenant_transaction(organisation), raw_cursor() as cursor:
            cursor.execute(
                "INSERT INTO memory_memorylink (organisation_id, memory_id, kind, target_source, target_external_id, weight)"
                " VALUES (%s, %s, 'about', 's', %s, 1)",
                (organisation, memory, str(number)),
            )
        committed[0] = number
    done.set()
    for reader in readers:
        reader.join(20)
    assert faults == []


def test_an_erasure_leaves_no_result_that_quotes_the_memory(organisation):
    """Neither in this process nor in Redis, whatever its key."""
    from django_redis import get_redis_connection

    from liftos.kernel.caching.results import call, get_function_cache, reset_function_cache

    reset_function_cache()
    memory = store(organisation, "a secret pair of boots")
    call(find_function("memory.search"), organisation, {"query": "x"}, lambda: "a secret pair of boots")
    client = get_redis_connection("default")

    def kept():
        listed = client.zrange(f"liftos:function:of:{organisation}", 0, -1)
        return [client.get(f"liftos:function:{key.decode()}") for key in listed]

    # after 32 bytes of seal
    assert [value[32:] for value in kept()] == [b'"a secret pair of boots"']
    receipt = forget(organisation=organisation, by=SYSTEM, memory=memory)
    assert kept() == []
    assert get_function_cache().stats()["cache_size"] == 0
    with tenant_transaction(organisation):
        assert Erasure.objects.get(id=receipt.id).removed["function_results"] == 1


WATCHED = [
    *(f"memory_{table}" for table in ("memory", "memoryvector", "memorylink", "modelchoice")),
    *(model._meta.db_table for model in apps.get_app_config("spaces").get_models()),
]


@pytest.mark.parametrize("table", WATCHED)
def test_every_table_a_search_reads_is_watched(organisation, table):
    things = find_function("memory.search").reads

    def state():
        return get_generation(organisation=organisation, things=things).name

    before = state()
    with tenant_transaction(organisation), raw_cursor() as cursor:
        cursor.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    assert state() != before
