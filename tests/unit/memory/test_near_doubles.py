"""Near-doubles, and answers without them."""

import numpy as np
import pytest

from memory.search.diversity import diversify
from memory.search.near_doubles import COMPARED, Copies, copy_of
from memory.search.types import Ranked


def are_doubles(one, other, cosine=None, values=(1, 2)):
    copies = Copies(
        [copy_of(text, value, len(text)) for text, value in zip((one, other), values, strict=True)]
    )
    cosines = None if cosine is None else np.array([1.0, cosine], np.float32)
    return bool(copies.doubles_of(0, cosines)[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Great news! We won.", "GREAT   news!!!! we won"),
        ("We won!", "We won"),
        ("Größe zählt", "GRÖSSE zählt"),
        ("We won !!", "we\twon!"),
    ],
)
def test_case_space_and_exclamation_marks_make_no_difference(one, other):
    assert are_doubles(one, other)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (
            "The customer complained about late delivery",
            "The customer complained about a late delivery.",
            True,
        ),
        ("Revenue rose 12% in Q3", "Revenue rose 14% in Q3", False),
        ("Ship SKU-4431 today", "Ship SKU-4432 today", False),
        ("The offer is valid", "The offer is not valid", False),
        ("The offer isn't valid", "The offer is valid", False),
        ("Ann reports to Bob", "Bob reports to Ann", False),
    ],
)
def test_close_embeddings_are_doubles_unless_a_telling_word_or_the_order_differs(one, other, expected):
    assert are_doubles(one, other, cosine=0.985) is expected
    assert not are_doubles(one, other, cosine=0.96)


def test_long_texts_with_the_same_beginning_are_no_doubles():
    same = "word " * (COMPARED // 5)
    assert not are_doubles(same + "one end", same + "another end")
    assert are_doubles(same + "end", same + "END!", values=(7, 7))


def ranked(scores):
    return [Ranked(key, score, ()) for key, score in scores.items()]


A, B, C, D = (bytes([number]) * 16 for number in (1, 2, 3, 4))
TEXTS = {A: "late parcel", B: "Late parcel!", C: "the parcel was delayed", D: "new price list"}
VECTORS = {
    A: np.array([1, 0], np.float32),
    C: np.array([0.9, 0.436], np.float32),
    D: np.array([0, 1], np.float32),
}


def chosen(diversity, most=10, vectors=VECTORS):
    copies = {key: copy_of(text, number, len(text)) for number, (key, text) in enumerate(TEXTS.items())}
    entries = ranked({A: 0.9, B: 0.8, C: 0.7, D: 0.5})
    found = diversify(entries, copies, vectors, diversity=diversity, most=most)
    return [(entry.id, entry.collapsed) for entry in found]


def test_near_doubles_collapse_into_the_best():
    assert chosen(0.01) == [(A, 1), (C, 0), (D, 0)]


def test_the_more_diversity_the_further_down_repetition_moves():
    assert chosen(1.0) == [(A, 1), (D, 0), (C, 0)]
    assert chosen(1.0, most=2) == [(A, 1), (D, 0)]


def test_memories_without_a_vector_are_told_by_their_text():
    assert chosen(1.0, vectors={}) == [(A, 1), (C, 0), (D, 0)]


def test_a_memory_deleted_meanwhile_is_left_out():
    entries = ranked({A: 0.9, D: 0.5})
    copies = {D: copy_of("x", 1, 1)}
    assert [entry.id for entry in diversify(entries, copies, {}, diversity=0.5, most=5)] == [D]
