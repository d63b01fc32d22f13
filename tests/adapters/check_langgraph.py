"""`LiftosStore` against LangGraph's own `InMemoryStore`."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.store.base import (
    GetOp,
    InvalidNamespaceError,
    ListNamespacesOp,
    MatchCondition,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore
from liftos_client.errors import InvalidRequest
from liftos_client.langgraph import LiftosStore

LABELS = st.sampled_from(["a", "b", "é/ü", "*", "x" * 150])
SPACES = st.lists(LABELS, min_size=1, max_size=3).map(tuple)
KEYS = st.sampled_from(["k", "l", "ключ", "long" * 100])
SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, "", "red", "blue", "w" * 300])
)
VALUES = st.dictionaries(
    st.sampled_from(["color", "size", "deep", "a.b"]),
    SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(st.sampled_from(["x"]), SCALARS, max_size=1),
    max_size=3,
)
FILTERS = st.none() | st.dictionaries(
    st.sampled_from(["color", "deep", "a.b"]),
    SCALARS
    | st.fixed_dictionaries({"$eq": SCALARS})
    | st.fixed_dictionaries({"$ne": SCALARS})
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.sampled_from(["x"]), SCALARS, max_size=1),
    max_size=2,
)
TESTS = st.lists(
    st.builds(
        MatchCondition,
        st.sampled_from(["prefix", "suffix"]),
        st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=2).map(tuple),
    ),
    max_size=2,
)
PLACES = st.tuples(st.integers(0, 50), st.integers(0, 2))
OPS = st.one_of(
    st.tuples(SPACES, KEYS).map(lambda given: GetOp(*given)),
    st.tuples(SPACES, KEYS, VALUES).map(lambda given: PutOp(*given)),
    st.tuples(SPACES, KEYS, VALUES, st.sampled_from([False, ["color"], ["deep.x", "size"]])).map(
        lambda given: PutOp(*given)
    ),
    st.tuples(SPACES, KEYS).map(lambda given: PutOp(*given, None)),
    st.tuples(st.just(()) | SPACES, FILTERS, PLACES).map(
        lambda given: SearchOp(given[0], given[1], *given[2])
    ),
    st.tuples(TESTS.map(tuple), st.none() | st.integers(1, 2), PLACES).map(
        lambda given: ListNamespacesOp(given[0], given[1], *given[2])
    ),
)
BATCHES = st.lists(st.lists(OPS, min_size=1, max_size=4), min_size=1, max_size=5)


def plain(item):
    return None if item is None else (item.namespace, item.key, item.value)


def compare(op, own, theirs, reference):
    if isinstance(op, ListNamespacesOp):
        # the reference also lists namespaces that were read, or are empty by now
        full = [each for each, items in reference.items() if items]
        wanted = [each for each in full if all(matches(test, each) for test in op.match_conditions or ())]
        wanted = sorted({each[: op.max_depth] for each in wanted}) if op.max_depth else sorted(wanted)
        assert own == wanted[op.offset : op.offset + op.limit]
    elif isinstance(op, SearchOp):
        # in which order is not defined
        assert len(own) == len(theirs)
        if op.offset == 0 and len(theirs) < op.limit:
            assert sorted(map(repr, map(plain, own))) == sorted(map(repr, map(plain, theirs)))
        assert all(each.namespace[: len(op.namespace_prefix)] == op.namespace_prefix for each in own)
    else:
        assert plain(own) == plain(theirs)


def matches(test, namespace):
    path = test.path
    part = namespace[: len(path)] if test.match_type == "prefix" else namespace[-len(path) :]
    return len(part) == len(path) and all(one in ("*", two) for one, two in zip(path, part, strict=True))


@settings(
    max_examples=20, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)  # fmt: skip
@given(batches=BATCHES, is_async=st.booleans())
def test_random_operations_give_the_same_as_in_memory(liftos, batches, is_async):
    store, reference = LiftosStore(liftos, source=f"test{uuid4().hex}"), InMemoryStore()
    for ops in batches:
        before = {each: dict(items) for each, items in reference._data.items()}
        own = asyncio.run(store.abatch(ops)) if is_async else store.batch(ops)
        for op, one, two in zip(ops, own, reference.batch(ops), strict=True):
            compare(op, one, two, before)


@pytest.fixture
def store(liftos):
    return LiftosStore(liftos, source=f"test{uuid4().hex}")


def test_items_are_found_by_meaning(store):
    store.put(("users", "1"), "food", {"text": "I never eat anything with nuts"})
    store.put(("users", "1"), "town", {"text": "I live in Lisbon"})
    store.put(("users", "2"), "food", {"text": "Nuts are my favourite snack"})
    store.put(("users", "1"), "hidden", {"text": "nuts and bolts"}, index=False)
    found = store.search(("users", "1"), query="which allergies or foods to avoid")
    assert found[0].key == "food"
    assert found[0].value == {"text": "I never eat anything with nuts"}
    assert 0 < found[0].score <= 1
    assert {each.namespace for each in found} == {("users", "1")}
    assert "hidden" not in {each.key for each in found}
    store.put(("users", "1"), "pet", {"name": "Rex", "kind": "a small brown dog"}, index=["kind"])
    [best, *_] = store.search(("users", "1"), query="dog", filter={"name": "Rex"})
    assert best.value == {"name": "Rex", "kind": "a small brown dog"}


def test_times_tell_creation_and_change(store):
    store.put(("a",), "k", {"v": 1})
    first = store.get(("a",), "k")
    store.put(("a",), "k", {"v": 2})
    second = store.get(("a",), "k")
    assert first.created_at == first.updated_at == second.created_at < second.updated_at
    [found] = store.search(("a",), query="v 2")
    assert (found.created_at, found.updated_at) == (second.created_at, second.updated_at)


def test_items_expire_unless_they_are_read(store, liftos):
    def life(key):
        [memory] = liftos.list(source=store.source, filters={f"{store.source}.key": key})
        return memory.expires_at

    store.put(("a",), "k", {"v": 1}, ttl=60)
    first = life("k")
    assert abs(first - datetime.now(UTC) - timedelta(hours=1)) < timedelta(minutes=1)
    store.get(("a",), "k", refresh_ttl=False)
    assert life("k") == first
    store.get(("a",), "k")
    second = life("k")
    assert second > first
    store.search(("a",))
    third = life("k")
    assert third > second
    store.search(("a",), query="v")
    assert life("k") > third
    store.put(("a",), "k", {"v": 2})
    assert life("k") is None
    store.put(("a",), "short", {"v": 1}, ttl=0.5 / 60)
    time.sleep(0.7)
    assert store.get(("a",), "short") is None
    store.put(("a",), "short", {"v": 2})
    assert store.get(("a",), "short").value == {"v": 2}


def test_invalid_names_and_values_are_refused(store):
    for namespace in ((), ("a.b",), ("",), ("langgraph",)):
        with pytest.raises(InvalidNamespaceError):
            store.put(namespace, "k", {})
    with pytest.raises(InvalidNamespaceError):
        store.batch([GetOp(("a.b",), "k")])
    with pytest.raises(InvalidRequest):
        store.put(("a",), "k", {"v": "\x00"})
    with pytest.raises(ValueError, match="dot"):
        LiftosStore(store.client, source="a.b")


def test_a_graph_remembers(store):
    def note(state: MessagesState, *, store):
        store.put(("notes",), "last", {"text": state["messages"][-1].content})
        return {}

    graph = StateGraph(MessagesState)
    graph.add_node("note", note)
    graph.add_edge(START, "note")
    graph.compile(store=store).invoke({"messages": [("user", "I like tea")]})
    assert store.get(("notes",), "last").value == {"text": "I like tea"}


def test_the_adapter_adds_less_than_a_millisecond(store, added):
    store.put(("a",), "k", {"v": 1})
    assert added(lambda: store.get(("a",), "k")) < 0.001
    assert added(lambda: store.put(("a",), "k", {"v": 1})) < 0.001
    assert added(lambda: store.search(("a",))) < 0.001
