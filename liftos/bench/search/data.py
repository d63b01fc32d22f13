"""Organisations, vectors and texts for the search benchmark. No Django here.

The vectors are a mixture of topics with 48 intrinsic dimensions in a space of 384, about what sentence embeddings
have. Vectors without structure would make every graph look bad; well separated clusters would make every graph look good.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DIMENSION = 384
INTRINSIC = 48
TOPICS = 400
SPREAD = 0.7  # a memory's spread around its topic; the topics' own spread is 1
NOISE = 0.05
FEW_TOPICS = 3
WORDS = 5_000
TOPIC_WORDS = 40
TEAMS = 100
REGIONS = 10

# (share of all memories, number of organisations with it); the rest is divided equally
SHARES = (
    (0.5, 1), (0.1, 2), (0.05, 2), (0.025, 2), (0.01, 4), (0.005, 6), (0.002, 10), (0.001, 20), (0.0005, 30),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """An organisation to generate: its number of memories and their topics."""

    size: int
    topics: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Material:
    """Memories to store: vectors, float32, shape (n, 384); contents; metadata."""

    vectors: NDArray[np.float32]
    contents: list[str]
    metadata: list[dict[str, object]]


class World:
    """Generates everything random from one seed."""

    def __init__(self, seed: int) -> None:
        """Draw the topics and the vocabulary."""
        self._random = np.random.default_rng(seed)
        self._projection = self._random.standard_normal((INTRINSIC, DIMENSION)) / np.sqrt(INTRINSIC)
        self._topics = self._random.standard_normal((TOPICS, INTRINSIC))
        ranks = np.arange(1, WORDS + 1)
        self._frequencies = (1 / ranks) / (1 / ranks).sum()
        self._topic_words = self._random.integers(50, WORDS, (TOPICS, TOPIC_WORDS))
        self._vocabulary = np.array([_word(number) for number in range(WORDS)])

    def plans(self, memories: int, organisations: int) -> list[Plan]:
        """Return the organisations, largest first.

        Every other one of a size has few topics, so it occupies a corner of the graph, where filtering is hard.
        """
        sizes = sizes_of(memories, organisations)
        plans, narrow = [], False
        for place, size in enumerate(sizes):
            narrow = not narrow if place and sizes[place - 1] == size else False
            count = FEW_TOPICS if narrow else TOPICS
            plans.append(Plan(size, self._random.choice(TOPICS, count, replace=False)))
        return plans

    def material(self, plan: Plan) -> Material:
        """Return an organisation's memories."""
        topics = self._random.choice(plan.topics, plan.size)
        drawn = [self._random.integers(0, values, plan.size).tolist() for values in (TEAMS, REGIONS, 2)]
        metadata: list[dict[str, object]] = [
            {"team": f"team {team}", "region": f"region {region}", "open": bool(is_open)}
            for team, region, is_open in zip(*drawn, strict=True)
        ]
        return Material(self._vectors(topics), list(self._texts(topics, 12, 40)), metadata)

    def questions(self, plan: Plan, count: int) -> tuple[NDArray[np.float32], list[str]]:
        """Return query vectors and texts; every fifth has a random topic, known to the organisation or not."""
        topics = self._random.choice(plan.topics, count)
        topics[::5] = self._random.integers(0, TOPICS, len(topics[::5]))
        return self._vectors(topics), list(self._texts(topics, 3, 8))

    def _vectors(self, topics: NDArray[np.int64]) -> NDArray[np.float32]:
        inner = self._topics[topics] + SPREAD * self._random.standard_normal((len(topics), INTRINSIC))
        outer = inner @ self._projection + NOISE * self._random.standard_normal((len(topics), DIMENSION))
        return (outer / np.linalg.norm(outer, axis=1, keepdims=True)).astype(np.float32)

    def _texts(self, topics: NDArray[np.int64], least: int, most: int) -> Iterator[str]:
        lengths = self._random.integers(least, most + 1, len(topics))
        common = self._random.choice(WORDS, int(lengths.sum()), p=self._frequencies)
        # a third of the words belong to the topic
        places = self._random.integers(0, TOPIC_WORDS, int(lengths.sum()))
        own = self._topic_words[np.repeat(topics, lengths), places]
        words = self._vocabulary[np.where(self._random.random(len(common)) < 1 / 3, own, common)]
        start = 0
        for length in lengths:
            yield " ".join(words[start : start + length])
            start += length


def sizes_of(memories: int, organisations: int) -> list[int]:
    """Return the number of memories per organisation, largest first; they sum to `memories`."""
    sizes: list[int] = []
    for share, count in SHARES:
        size = round(memories * share)
        for _ in range(count):
            rest = organisations - len(sizes) - 1
            if size < 1 or rest < 1 or memories - sum(sizes) - size < rest:
                break
            sizes.append(size)
    rest = organisations - len(sizes)
    each, over = divmod(memories - sum(sizes), rest)
    return sorted([*sizes, *([each + 1] * over), *([each] * (rest - over))], reverse=True)


def nearest(vectors: NDArray[np.float32], question: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the exact cosine of every row with a query, both rounded to 16 bits as in the database."""
    rows, one = _rounded(vectors), _rounded(question)
    return (rows @ one) / (np.linalg.norm(rows, axis=1) * np.linalg.norm(one))


def size_classes(plans: Sequence[Plan]) -> dict[int, list[int]]:
    """Return the indices of organisations by size, without empty ones."""
    classes: dict[int, list[int]] = {}
    for place, plan in enumerate(plans):
        if plan.size:
            classes.setdefault(plan.size, []).append(place)
    return classes


def _rounded(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    return vectors.astype(np.float16).astype(np.float32)


def _word(number: int) -> str:
    # pronounceable, without endings that a stemmer would merge
    letters, word = "bdfgklmprt", ""
    for digit in f"{number:04d}":
        word += letters[int(digit)] + "aeiou"[int(digit) % 5]
    return word
