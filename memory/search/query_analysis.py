"""Query analysis: the terms, names and periods of a query. Pure."""

from dataclasses import dataclass
from datetime import datetime

from memory.analysis.entities import names_in
from memory.analysis.periods import Period, asks_when, is_question, periods_in
from memory.analysis.words import query_terms

MAX_TERMS = 64
# a query is a sentence or a paragraph; of a whole document the beginning says what it is about
MAX_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class QueryAnalysis:
    """A query as search by words and relations sees it.

    Attributes:
        terms: stemmed term to count, without function words, the most frequent 64.
        names: runs of one to four words that may name an entity.
        periods: that it names.
        asks: it is worded as a question.
        asks_when: it asks for a time.
    """

    terms: dict[str, int]
    names: list[str]
    periods: list[Period]
    asks: bool
    asks_when: bool


def analyse(text: str, now: datetime) -> QueryAnalysis:
    """Return what a query says; "yesterday" is relative to `now`, aware UTC."""
    text = text[:MAX_CHARACTERS]
    return QueryAnalysis(
        terms=dict(query_terms(text).most_common(MAX_TERMS)),
        names=names_in(text),
        periods=periods_in(text, now),
        asks=is_question(text),
        asks_when=asks_when(text),
    )
