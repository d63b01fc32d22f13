"""Recognise near-doubles: memories that say the same. Pure."""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memory.analysis.values import unmarked_forms

# texts this close in meaning are doubles unless a figure or a negation tells them apart, which embeddings hardly show
NEAR = 0.97
# characters of a text that are compared
COMPARED = 1_000
_EXCLAMATIONS = re.compile(r"\s*!+")
_WORD = re.compile(r"[^\W_]+(?:[.,:/'\u2019-][^\W_]+)*")
_NEGATIONS = frozenset(
    (
        "no", "not", "never", "none", "nobody", "nothing", "without", "neither", "nor", "cannot",
        "nicht", "kein", "keine", "keinen", "nie", "ohne", "ne", "pas", "non", "jamais", "sans", "nunca", "sin", "não", "sem",
        "niet", "geen", "nooit", "zonder", "mai", "senza", "bez", "не", "нет", "никогда", "без", "inte", "aldrig", "utan", "değil",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Copy:
    """The parts of a memory that are compared.

    Attributes:
        value: number of the normalised value; None for a blank text.
        form: the normalised text, of long texts only its beginning.
        is_whole: whether `form` covers the whole text.
        words: its words, sorted.
        telling: those that embeddings hardly tell apart: words with figures, and negations.
    """

    value: int | None
    form: str
    is_whole: bool
    words: tuple[str, ...]
    telling: tuple[str, ...]


def copy_of(text: str, value: int | None, length: int) -> Copy:
    """Return the parts of a memory that are compared.

    Args:
        text: its text, or the first COMPARED characters.
        value: the number of its normalised value.
        length: the characters of the whole text.
    """
    form = next(iter(unmarked_forms(_EXCLAMATIONS.sub("!", text[:COMPARED]))), "")
    words = tuple(sorted(_WORD.findall(form)))
    return Copy(value, form, length <= COMPARED, words, tuple(word for word in words if _tells(word)))


class Copies:
    """The compared parts of n memories, by place."""

    def __init__(self, copies: Sequence[Copy]) -> None:
        """Number the distinct values, forms and telling words."""
        self._values = _numbers([each.value for each in copies])
        self._forms = _numbers([each.form if each.is_whole else None for each in copies])
        self._telling = _numbers([each.telling for each in copies])
        self._words = _numbers([each.words for each in copies])

    def doubles_of(self, place: int, cosines: NDArray[np.float32] | None) -> NDArray[np.bool_]:
        """Return which memories are near-doubles of one of them, shape (n,), itself included.

        Args:
            place: the memory's.
            cosines: of the embeddings with its own, shape (n,), nan where unknown; None if its own is unknown.
        """
        found = _equal(self._values, place) | _equal(self._forms, place)
        if cosines is not None:
            # the same words in another order may say something else: "Ann reports to Bob"
            found |= (cosines >= NEAR) & _equal(self._telling, place) & ~_equal(self._words, place)
        found[place] = True
        return found


def _numbers(items: Sequence[Hashable]) -> NDArray[np.int64]:
    """Return a number for each distinct item, -1 for None."""
    known: dict[Hashable, int] = {None: -1}
    return np.fromiter((known.setdefault(each, len(known)) for each in items), np.int64, len(items))


def _equal(numbers: NDArray[np.int64], place: int) -> NDArray[np.bool_]:
    return (numbers == numbers[place]) & (numbers >= 0)


def _tells(word: str) -> bool:
    return word in _NEGATIONS or word.endswith(("n't", "n\u2019t")) or any(each.isdigit() for each in word)
