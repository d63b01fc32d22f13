"""Exact matches: quoted phrases, excluded words, and codes.

Memories that have all the words of a phrase or code are gathered from the postings, however low they rank, then verified on their text.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np

from liftos.kernel.db.binary import TextArray, UuidArray
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.precedence import giving_way
from memory.index.postings.reading import Read, read_postings
from memory.search.passing import passing_filters
from memory.search.phrases import contains, is_unspaced, terms_of_word, words_in
from memory.search.query_syntax import fold, has_code
from memory.search.statements import CODED, TEXTS
from memory.search.types import Key, PhrasePlan, Question

# Memories verified for a phrase, newest first, and texts read at once.
MOST_HOLDERS = 5_000
TEXTS_AT_ONCE = 200
# candidates per code
MOST_CODED = 100
# about the number of a word's postings that are read
EVERY = 2_000_000


def with_operators(question: Question) -> Question:
    """Return a question whose filters express its phrases and exclusions; it sends statements only if it has any.

    Beside other words a phrase that no memory contains is no filter, so that a question finds something although it quotes what nobody wrote.
    """
    query = question.query
    if not query.has_operators:
        return question
    request = question.request
    terms: set[str] = set()
    never: set[Key] = set()
    for excluded in query.excluded:
        words = words_in(excluded)
        if len(words) == 1 and not is_unspaced(excluded):
            terms |= terms_of_word(words[0], question.languages)
        else:
            never |= _containing(question, [excluded])
    if terms:
        never |= set(holders_of(read_postings(question.organisation, terms, EVERY)(), [terms]))
    request = replace(request, never=tuple(sorted(never)))
    question = replace(question, request=request)
    return _with_phrases(question) if query.phrases else question


def _with_phrases(question: Question) -> Question:
    """Return a question that only memories with its phrases answer, as far as any contain them."""
    phrases, plan = question.query.phrases, PhrasePlan.EXACT
    found = _containing(question, phrases)
    if not found and question.query.has_other_words:
        phrases = tuple(phrase for phrase in phrases if len(phrases) > 1 and _containing(question, [phrase]))
        found = _containing(question, phrases) if phrases else set()
        if not found:
            return replace(question, phrase_plan=PhrasePlan.NOT_FOUND)
        plan = PhrasePlan.PARTLY
    request = replace(question.request, only=tuple(sorted(found)))
    return replace(question, request=request, phrase_plan=plan)


def _containing(question: Question, phrases: Sequence[str]) -> set[Key]:
    """Return the memories that contain all of some phrases."""
    words = dict.fromkeys(word for phrase in phrases for word in words_in(phrase))
    holders = _ask_holders(question, list(words), MOST_HOLDERS)()
    return {
        memory
        for memory, text in _texts(question, holders)
        if all(contains(text, phrase, question.languages) for phrase in phrases)
    }


def _ask_holders(question: Question, words: Sequence[str], most: int) -> Callable[[], list[Key]]:
    """Request the newest memories that pass the filters and have a term of each word."""
    terms = [own for word in words if (own := terms_of_word(word, question.languages))]
    if not terms:
        return list
    wait = read_postings(question.organisation, set().union(*terms), EVERY)

    def newest() -> list[Key]:
        holders = sorted(holders_of(wait(), terms), reverse=True)
        found: list[Key] = []
        for start in range(0, len(holders), most):
            passing = passing_filters(question, holders[start : start + most])
            found += sorted(passing, reverse=True)
            if len(found) >= most:
                break
        return found[:most]

    return newest


def holders_of(read: Read, words: Sequence[Collection[str]]) -> list[Key]:
    """Return the memories that have a term of each word, given as the terms of each, in order of their documents."""
    holding: np.ndarray | None = None
    for terms in words:
        some = [read.postings[term].documents for term in terms if term in read.postings]
        if not some:
            return []
        # a memory may have its words in different passages
        own = np.unique(read.documents.heads(np.concatenate(some)))
        holding = own if holding is None else np.intersect1d(holding, own, assume_unique=True)
    return [] if holding is None else read.documents.keys(holding)


def _texts(question: Question, memories: Sequence[Key]) -> Iterator[tuple[Key, str]]:
    for start in range(0, len(memories), TEXTS_AT_ONCE):
        ids = UuidArray(memories[start : start + TEXTS_AT_ONCE])
        rows = raw_cursor().execute(TEXTS, {"organisation": question.organisation, "ids": ids}, binary=True)
        yield from giving_way(rows.fetchall())


def find_coded(questions: Sequence[Question]) -> Callable[[], list[frozenset[Key]]]:
    """Look up memories with all words of a code: candidates, one set per question."""
    waiting = [
        [_ask_holders(question, words_in(code), MOST_CODED) for code in question.analysis.codes]
        for question in questions
    ]
    return lambda: [frozenset(key for wait in own for key in wait()) for own in waiting]


def read_codes(
    questions: Sequence[Question], candidates: Sequence[Collection[Key]]
) -> Callable[[], list[dict[Key, float]]]:
    """Read which candidates contain the questions' codes: for each question, memory to the share of its codes."""
    codes = list(dict.fromkeys(code for question in questions for code in question.analysis.codes))
    wanted = {
        key
        for question, own in zip(questions, candidates, strict=True)
        if question.analysis.codes
        for key in own
    }
    if not codes or not wanted:
        return lambda: [{} for _ in questions]
    values = {"organisation": questions[0].organisation, "ids": UuidArray(wanted), "codes": TextArray(codes)}
    cursor = raw_cursor().execute(CODED, values, binary=True)

    def wait() -> list[dict[Key, float]]:
        texts = {memory: fold(text) for memory, text in giving_way(cursor.fetchall())}
        return [
            {
                key: count / len(question.analysis.codes)
                for key in own
                if key in texts
                and (count := sum(has_code(texts[key], code) for code in question.analysis.codes))
            }
            if question.analysis.codes
            else {}
            for question, own in zip(questions, candidates, strict=True)
        ]

    return wait
