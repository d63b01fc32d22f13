"""Query analysis: the terms, names and periods of a query. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from memory.analysis.entities import names_in
from memory.analysis.periods import Period, asks_when, periods_in
from memory.analysis.query_terms import query_terms
from memory.analysis.questions import is_question
from memory.search.query_syntax import codes_in

MAX_TERMS = 64
# longer queries are documents, whose beginning says what they are about
MAX_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class QueryAnalysis:
    """The terms, names and periods of a query, for the words arm and relations.

    Attributes:
        terms: the 64 most frequent terms with their counts, without function words.
        variants: for terms that are looked for as others too, all of these with their weights (memory/analysis/query_terms.py).
        names: candidate entity names, runs of one to four words.
        periods: the periods it names.
        asks: whether it is phrased as a question.
        asks_when: whether it asks for a time.
        codes: codes and longer numbers, which only an exact match answers.
    """

    terms: dict[str, float]
    names: list[str]
    periods: list[Period]
    asks: bool
    asks_when: bool
    codes: tuple[str, ...] = ()
    variants: dict[str, dict[str, float]] = field(default_factory=dict)


def analyse(text: str, now: datetime, language: str = "en", languages: Iterable[str] = ()) -> QueryAnalysis:
    """Analyse a query in a language, ISO 639-1, "" if unknown; "yesterday" is relative to `now`, aware UTC.

    Its words are also read in `languages`, those of the organisation's texts.
    """
    text = text[:MAX_CHARACTERS]
    read = query_terms(text, languages)
    terms = sorted(read.counts.items(), key=lambda each: -each[1])[:MAX_TERMS]
    return QueryAnalysis(
        terms=dict(terms),
        names=names_in(text),
        periods=periods_in(text, now, language),
        asks=is_question(text),
        asks_when=asks_when(text),
        codes=codes_in(text),
        variants={term: read.variants[term] for term, _ in terms if term in read.variants},
    )
