from hypothesis import given
from hypothesis import strategies as st

from workflows.definition import ancestors, backoff, topological


@st.composite
def graphs(draw):
    size = draw(st.integers(1, 25))
    order = draw(st.permutations(range(size)))
    place = {number: at for at, number in enumerate(order)}
    edges = draw(st.sets(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))))
    return {str(n): [str(b) for a, b in edges if a == n and place[b] < place[n]] for n in range(size)}


@given(graphs())
def test_topological_order_respects_dependencies(edges):
    ordered = topological(edges)
    assert sorted(ordered) == sorted(edges)
    place = {name: number for number, name in enumerate(ordered)}
    assert all(place[needed] < place[name] for name in edges for needed in edges[name])


@given(graphs())
def test_ancestors_are_all_reachable_steps(edges):
    def reached(name):
        return {far for needed in edges[name] for far in {needed} | reached(needed)}

    assert ancestors(edges) == {name: reached(name) for name in edges}


def test_a_chain_of_a_thousand_is_no_deeper_than_one_of_ten():
    edges = {str(n): [str(n - 1)] if n else [] for n in range(1_000)}
    assert topological(edges) == [str(n) for n in range(1_000)]
    assert len(ancestors(edges)["999"]) == 999


@given(st.integers(1, 10_000), st.floats(0, 3600), st.floats(0, 3600), st.floats(0, 1))
def test_a_wait_is_never_longer_than_the_cap_or_the_doubled_base(attempt, base, cap, drawn):
    wait = backoff(attempt, base, cap, lambda: drawn)
    assert 0 <= wait <= cap
    assert wait <= base * 2 ** min(attempt - 1, 60)


def test_the_bound_doubles_until_the_cap():
    assert [backoff(attempt, 0.1, 0.5, lambda: 1.0) for attempt in (1, 2, 3, 4, 5)] == [
        0.1,
        0.2,
        0.4,
        0.5,
        0.5,
    ]
    assert backoff(3, 0.1, 60, lambda: 0.5) == 0.2
