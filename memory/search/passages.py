"""Choose the passages of long hits, in two round trips, made only if a hit has several passages.

A passage scores as its memory does, by the arms alone: the sum of its shares times the weights that the arms have in the memory's score.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from liftos.kernel.db.binary import UuidArray
from liftos.kernel.db.transactions import pipelined, raw_cursor
from liftos.kernel.precedence import giving_way
from memory.search.ranking import Ranking
from memory.search.snippet_budget import shorten
from memory.search.statements import PASSAGES
from memory.search.types import FoundPassage, Key, PassageScores, Ranked

Chosen = dict[Key, dict[int, float]]  # memory to the numbers of its passages, best first, with their scores


def choose_passages(
    rankings: Sequence[Ranking], hits: Sequence[Sequence[Ranked]], counts: Mapping[Key, int], most: int
) -> list[Chosen]:
    """Return the best passages of each ranking's long hits; every one has at least one.

    Args:
        rankings: of the questions.
        hits: those of each question.
        counts: the number of passages of the memories that have several.
        most: how many of a memory; with more than one, neighbours of the chosen follow with score 0.
    """
    long = [[entry for entry in some if entry.id in counts] for some in hits]
    with pipelined():
        waiting = [
            {arm: share([entry.id for entry in some]) for arm, share in ranking.passages.items()}
            if some
            else {}
            for ranking, some in zip(rankings, long, strict=True)
        ]
        shares = [{arm: wait() for arm, wait in waits.items()} for waits in waiting]
    return [
        {entry.id: _best(entry, own, counts[entry.id], most) for entry in some}
        for some, own in giving_way(zip(long, shares, strict=True))
    ]


def _best(entry: Ranked, shares: Mapping[str, PassageScores], count: int, most: int) -> dict[int, float]:
    weights = {term.arm: term.weight for term in entry.terms}
    scores: dict[int, float] = {}
    for arm, found in shares.items():
        for number, share in found.get(entry.id, {}).items():
            if 0 <= number < count:
                scores[number] = scores.get(number, 0.0) + weights.get(arm, 1.0) * share
    # a memory found by its links or its vector as a whole is shown from its beginning
    best = sorted(scores, key=lambda number: (-scores[number], number))[:most] or [0]
    chosen = {number: scores.get(number, 0.0) for number in best}
    if most > 1:
        beside = (number + step for number in best for step in (1, -1))
        chosen |= {number: 0.0 for number in beside if 0 <= number < count and number not in chosen}
    return chosen


def read_passages(
    organisation: UUID, chosen: Iterable[Chosen], room: int, read: int
) -> Callable[[], dict[tuple[Key, int], tuple[Any, ...]]]:
    """Request the places of chosen passages, and their text where it lies beyond the first `read` characters.

    Returns:
        A function that waits for (start, end, page, heading, text or None) by memory and number.
    """
    wanted = sorted({(memory, number) for each in chosen for memory, own in each.items() for number in own})
    values = {
        "organisation": organisation,
        "ids": UuidArray(memory for memory, _ in wanted),
        "numbers": [number for _, number in wanted],
        "room": room,
        "read": read,
    }
    cursor = raw_cursor().execute(PASSAGES, values)
    return lambda: {(row[0].bytes, row[1]): row[2:] for row in cursor.fetchall()}


def as_found(
    content: str,
    memory: Key,
    chosen: Mapping[int, float],
    places: Mapping[tuple[Key, int], tuple[Any, ...]],
    room: int,
) -> tuple[FoundPassage, ...]:
    """Return a memory's chosen passages, each with at most `room` bytes of text.

    Args:
        content: the beginning of the memory's text, as far as it was read.
        memory: its key.
        chosen: passage number to score, best first.
        places: from `read_passages`; passages deleted meanwhile are left out.
        room: bytes of text.
    """
    found = []
    for number, score in chosen.items():
        if (memory, number) in places:
            start, end, page, heading, beyond = places[memory, number]
            text = shorten(content[start:end] if beyond is None else beyond, room)
            found.append(FoundPassage(number, text, start, start + len(text), page, heading, score))
    return tuple(found)


def of_whole(content: str, score: float, room: int) -> tuple[FoundPassage, ...]:
    """Return the one passage of a memory that fits: its content."""
    text = shorten(content, room)
    return (FoundPassage(0, text, 0, len(text), score=score),)
