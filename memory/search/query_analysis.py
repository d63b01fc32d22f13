"""Query analysis: the terms, names and periods of a query. Pure."""

from dataclasses import dataclass
from datetime import datetime

from memory.analysis.entities import names_in
from memory.analysis.periods import Period, asks_when, is_question, periods_in
from memory.analysis.words import query_terms
from memory.search.query_syntax import codes_in

MAX_TERMS = 64
# longer queries are documents, whose beginning says what they are about
MAX_CHARACTERS = 4_000


@dataclass(frozen=True, slots=True)
class QueryAnalysis:
    """What the words arm and relations use of a query.

    Attributes:
        terms: the 64 most frequent stemmed terms with their counts, without function words.
        names: candidate entity names, runs of one to four words.
        periods: the periods it names.
        asks: whether it is phrased as a question.
        asks_when: whether it asks for a time.
        codes: codes and longer numbers, which only an exact match answers.
    """

    terms: dict[str, int]
    names: list[str]
    periods: list[Period]
    asks: bool
    asks_when: bool
    codes: tuple[str, ...] = ()


def analyse(text: str, now: datetime, language: str = "en") -> QueryAnalysis:
    """Analyse a query in a language, ISO 639-1, "" if unknown; "yesterday" is relative to `now`, aware UTC."""
    text = text[:MAX_CHARACTERS]
    return QueryAnalysis(
        terms=dict(query_terms(text).most_common(MAX_TERMS)),
        names=names_in(text),
        periods=periods_in(text, now, language),
        asks=is_question(text),
        asks_when=asks_when(text),
        codes=codes_in(text),
    )
