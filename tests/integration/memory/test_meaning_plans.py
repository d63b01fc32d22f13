import numpy as np
import psycopg
import pytest
from django.db import connections
from django.utils import timezone

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM
from memory.index import vector_graph, writes
from memory.index.collection_statistics import clear_counts
from memory.index.embeddings import Embedded
from memory.index.vector_graph import grow_graph, list_organisations_outside_graph
from memory.models import MemoryVector
from memory.search.arms.meaning import arm
from memory.search.arms.meaning.arm import MeaningArm
from memory.search.arms.meaning.asking import QueryVector
from memory.search.filters import parse_filters
from memory.search.types import Question, SearchRequest
from memory.tasks import put_into_graph, sweep_graph
from memory.types import EmbeddingState, MemoryDraft
from tests.conftest import make_caller

MODEL = 1
ROWS = 400
SETTINGS = (
    "enable_seqscan", "enable_bitmapscan", "enable_sort", "enable_hashjoin", "enable_mergejoin", "enable_hashagg",
    "enable_material", "hnsw.iterative_scan", "hnsw.ef_search", "hnsw.max_scan_tuples",
)  # fmt: skip


@pytest.fixture
def vectors(organisations, monkeypatch):
    """Two organisations with rows in one graph; the first is large enough for it."""
    monkeypatch.setattr(arm, "EXACT_ROWS", 100)
    monkeypatch.setattr(arm, "ALL_ROWS", 10)
    monkeypatch.setattr(vector_graph, "GRAPH_ROWS", 100)
    random = np.random.default_rng(1)
    drawn = random.standard_normal((ROWS, 384)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    for organisation, some in zip(organisations, (drawn, drawn[:50]), strict=True):
        rows = [
            writes.prepare(
                organisation,
                MemoryDraft("x", {"number": number, "half": number % 2}),
                embedded=Embedded({0: vector}, EmbeddingState.READY),
            )
            for number, vector in enumerate(some)
        ]
        with tenant_transaction(organisation):
            writes.insert(organisation=organisation, by=SYSTEM, rows=rows, model=MODEL)
        grow(organisation)
    clear_counts()
    return drawn


def grow(organisation):
    while grow_graph(organisation):
        pass


def store(organisation, vector, **metadata):
    row = writes.prepare(
        organisation, MemoryDraft("x", metadata), embedded=Embedded({0: vector}, EmbeddingState.READY)
    )
    with tenant_transaction(organisation):
        writes.insert(organisation=organisation, by=SYSTEM, rows=[row], model=MODEL)
    return row.id.bytes


def in_graph(organisation):
    with tenant_transaction(organisation):
        return MemoryVector.objects.filter(in_graph=True).count()


def ask(organisation, vector, limit=10, **filters):
    request = SearchRequest("", conditions=parse_filters(filters))
    with tenant_transaction(organisation):
        question = Question(organisation, request, timezone.now(), {"meaning": QueryVector(vector, MODEL)})
        [found] = MeaningArm().find([question], limit)()
        return found


def best(found):
    return found.candidates(10)


def scores(vectors, vector):
    return sorted((vectors.astype(np.float16).astype(np.float32) @ vector).tolist(), reverse=True)


def test_the_graph_and_the_exact_plan_find_the_same(organisations, vectors, monkeypatch):
    by_graph = ask(organisations[0], vectors[3])
    monkeypatch.setattr(arm, "EXACT_ROWS", 1_000)
    by_reading = ask(organisations[0], vectors[3])
    assert (by_graph.plan, by_reading.plan) == ("graph", "exact")
    # the graph is approximate, and built anew for each run: one of ten may differ, but not by much
    assert len(by_graph.scores.keys() & by_reading.scores.keys()) >= 9
    assert list(by_reading.scores.values()) == pytest.approx(scores(vectors, vectors[3])[:10], abs=1e-3)
    assert list(by_graph.scores.values()) == pytest.approx(scores(vectors, vectors[3])[:10], abs=2e-2)


def test_a_broad_filter_is_applied_to_what_the_graph_brings(organisations, vectors):
    found = ask(organisations[0], vectors[4], half=0)
    assert (found.plan, len(best(found))) == ("graph", 10)
    assert list(found.scores.values())[:10] == pytest.approx(scores(vectors[::2], vectors[4])[:10], abs=2e-2)


@pytest.mark.parametrize(
    ("filters", "rows"), [({"number": [1, 2, 399]}, 3), ({"number": {"$gte": 380}}, 10), ({"number": "1"}, 0)]
)
def test_never_fewer_rows_than_exist(organisations, vectors, filters, rows):
    found = ask(organisations[0], vectors[5], **filters)
    assert (found.plan, len(best(found))) == ("exact after graph", rows)


def test_a_small_organisation_is_read_whole(organisations, vectors):
    found = ask(organisations[1], vectors[60], limit=100)
    assert (found.plan, len(found.scores)) == ("exact", 50)


def test_no_setting_outlives_the_graph(organisations, vectors):
    def settings():
        with raw_cursor() as cursor:
            return [cursor.execute(f"SHOW {name}").fetchone()[0] for name in SETTINGS]

    with tenant_transaction(organisations[0]):
        before = settings()
        assert ask(organisations[0], vectors[6]).plan == "graph"
        assert settings() == before


def test_only_large_organisations_are_put_into_the_graph(organisations, vectors):
    assert [in_graph(each) for each in organisations] == [ROWS, 0]
    store(organisations[1], vectors[60])
    assert list_organisations_outside_graph() == []
    store(organisations[0], vectors[60])
    assert list_organisations_outside_graph() == [organisations[0]]
    sweep_graph()
    put_into_graph(str(organisations[0]))
    assert in_graph(organisations[0]) == ROWS + 1
    assert list_organisations_outside_graph() == []


def test_what_waits_for_its_way_into_the_graph_is_found_in_its_place(organisations, vectors):
    new = store(organisations[0], vectors[7], half=2)
    found = ask(organisations[0], vectors[7])
    assert found.plan == "graph"
    assert new in best(found)[:2]  # beside the one that has the same vector
    assert len(best(found)) == 10
    assert best(found) == sorted(best(found), key=lambda key: (-found.scores[key], key))
    assert new not in ask(organisations[0], vectors[7], half=0).scores
    assert list(ask(organisations[0], vectors[7], half=2).scores) == [new]
    grow(organisations[0])
    assert new in best(ask(organisations[0], vectors[7]))[:2]


def test_nothing_is_lost_while_none_of_an_organisation_is_in_the_graph(organisations, vectors):
    with tenant_transaction(organisations[0]):
        MemoryVector.objects.update(in_graph=False)
    found = ask(organisations[0], vectors[3])
    assert list(found.scores.values())[:10] == pytest.approx(scores(vectors, vectors[3])[:10], abs=1e-3)


def test_one_worker_at_a_time_grows_a_graph(committed_db, monkeypatch):
    monkeypatch.setattr(vector_graph, "GRAPH_ROWS", 1)
    caller = make_caller("Large")
    caller.store("A memory")
    parameters = connections["default"].get_connection_params() | {"cursor_factory": psycopg.Cursor}
    with psycopg.connect(**parameters) as other, other.transaction():
        assert other.execute(vector_graph.LOCK_GRAPH, [caller.organisation]).fetchone() == (True,)
        assert grow_graph(caller.organisation) == 0
    assert grow_graph(caller.organisation) == 1
