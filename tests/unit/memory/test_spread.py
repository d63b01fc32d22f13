from itertools import pairwise
from math import sqrt

import pytest

from memory.search.relations.spreading_activation import Edge, spread
from memory.search.types import Step
from memory.search.weights import EDGE, REPLY, SECOND

A, B, C, D = (bytes([number]) * 16 for number in range(1, 5))


def seen(*edges):
    """Links by the memory they start from."""
    links = {}
    for edge in edges:
        links.setdefault(edge.source, []).append(edge)
    return links


def chain(*memories, kind="follows", weight=1.0):
    """A chain of memories, linked in both directions."""
    return seen(
        *[
            edge
            for earlier, later in pairwise(memories)
            for edge in (Edge(later, earlier, kind, weight, True), Edge(earlier, later, kind, weight, False))
        ]
    )


def test_two_hops_and_no_further():
    reached = spread(chain(A, B, C, D), {A: 0.8})
    assert {memory: found.value for memory, found in reached.items()} == {
        B: pytest.approx(0.8 * EDGE),
        C: pytest.approx(0.8 * EDGE * SECOND),
    }
    assert reached[C].steps == (Step("follows", A, False), Step("follows", B, False))


def test_activations_add_up_and_the_strongest_path_is_reported():
    reached = spread(chain(A, B, C), {A: 0.2, C: 1.0})
    assert reached[B].value == pytest.approx(1.2 * EDGE)
    assert reached[B].steps == (Step("follows", C, True),)


def test_an_answer_gets_more_than_what_comes_before():
    reached = spread(chain(A, B, C), {B: 1.0}, {B})
    assert (reached[C].value, reached[A].value) == (pytest.approx(REPLY), pytest.approx(EDGE))


def test_a_hub_passes_on_less_along_each_link():
    hub = seen(*[Edge(A, bytes([number]) * 16, "about", 1.0, False) for number in range(10, 60)])
    assert {round(found.value, 6) for found in spread(hub, {A: 1.0}).values()} == {
        round(EDGE * sqrt(2 / 50), 6)
    }


def test_a_weak_link_carries_little():
    assert spread(chain(A, B, kind="supports", weight=0.1), {A: 1.0})[B].value == pytest.approx(EDGE * 0.1)


def test_activation_does_not_return_to_its_source():
    assert A not in spread(chain(A, B), {A: 1.0})
