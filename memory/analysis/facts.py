"""Read what a short text states: the attribute of a subject, and its value. Pure; English; precision before recall.

"The CEO of Acme is Ann Smith", "Acme appointed Ann Smith as chief executive" and "Ann Smith now leads Acme" state a value for the same
subject and attribute, so that a later text with another value replaces them. Questions, negations, plans, the past and texts of more than two
sentences state nothing here.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from memory.analysis import fact_patterns as patterns
from memory.analysis.stems import stems
from memory.analysis.values_of_facts import (
    Shape,
    Value,
    date_of,
    name_of,
    number_of,
    state_of,
    value_of,
)

MAX_LENGTH = 300
MAX_SENTENCES = 2


@dataclass(frozen=True, slots=True)
class Fact:
    """A subject's attribute and value; `subject` is the stems of its words, sorted."""

    subject: tuple[str, ...]
    attribute: str
    value: Value

    @property
    def key(self) -> str:
        """The text by which facts of one subject and attribute are equal."""
        return f"{self.attribute}\x00{' '.join(self.subject)}"


def facts_of(text: str) -> list[Fact]:
    """Return the facts that a text states; none if it is long, or says anything that could make them untrue."""
    text = " ".join(text.replace("\u2019", "'").split("\t")).strip()
    if not text or len(text) > MAX_LENGTH or patterns.STOP.search(text):
        return []
    sentences = [each for each in patterns.BREAK.split(text) if each.strip()]
    if len(sentences) > MAX_SENTENCES:
        return []
    found: dict[str, Fact] = {}
    for sentence in sentences:
        for fact in _facts_in(sentence.strip().rstrip(".!; ")):
            found.setdefault(fact.key, fact)
    return list(found.values())


def _facts_in(sentence: str) -> Iterator[Fact]:
    lead = patterns.LEAD_IN.match(sentence)
    while lead:
        sentence = sentence[lead.end() :]
        lead = patterns.LEAD_IN.match(sentence)
    sentence = " ".join(patterns.ADVERBS.sub("", sentence).split())
    sentence = patterns.TAIL.sub("", sentence).rstrip(".,!; ")
    found = list(_read(sentence))
    for subject, attribute, value in found:
        if value.shape is not Shape.DATE:
            subject = _without_date(subject)
        key = _subject(subject)
        if key is not None:
            yield Fact(key, attribute, value)


def _read(sentence: str) -> Iterator[tuple[str, str, Value]]:
    """Yield subjects, attributes and values; of the first frame that fits."""
    for read in (
        _of_people,
        _of_costs,
        _of_shifts,
        _of_dates,
        _of_places,
        _of_attributes,
        _of_measures,
        _of_states,
    ):
        found = list(read(sentence))
        if found:
            yield from found
            return


def _of_people(sentence: str) -> Iterator[tuple[str, str, Value]]:
    for pattern in patterns.PEOPLE:
        if match := pattern.match(sentence):
            canonical, shape = patterns.KNOWN[match["a"].lower()]
            value = name_of(match["v"])
            if shape is Shape.NAME and value:
                yield match["s"], canonical, value
                return
    for attribute, either in (
        ("owner", (patterns.OWNS, patterns.OWNED)),
        ("lead", (patterns.LEADS, patterns.LED)),
    ):
        for pattern in either:
            match = pattern.match(sentence)
            value = name_of(match["v"]) if match else None
            if (
                match
                and value
                and date_of(match["v"]) is None
                and not (pattern is patterns.OWNED and " moved to" in sentence)
            ):
                subject = re.sub(r" from [A-Z][\w' ]*$", "", match["s"])
                yield subject, attribute, value
                if patterns.TAKEN_OVER.search(sentence):
                    yield subject, "lead" if attribute == "owner" else "owner", value
                return


def _of_costs(sentence: str) -> Iterator[tuple[str, str, Value]]:
    for pattern in patterns.COSTS:
        match = pattern.match(sentence)
        value = number_of(match["v"]) if match else None
        if match and value:
            yield match["s"], *_by_month("price", value)
            return
    match = patterns.SEATS.match(sentence)
    value = number_of(match["v"]) if match else None
    if match and value:
        yield match["s"], "headcount", Value(Shape.NUMBER, value.tokens)


def _of_measures(sentence: str) -> Iterator[tuple[str, str, Value]]:
    match = patterns.MEASURED.match(sentence)
    value = number_of(match["v"]) if match else None
    if match and value and value.unit:
        yield match["s"], patterns.MEASURES[match["a"].lower()], value


def _of_shifts(sentence: str) -> Iterator[tuple[str, str, Value]]:
    match = patterns.SHIFTED.match(sentence)
    value = date_of(match["v"]) if match else None
    if match and value:
        subject, named = match["s"], None
        for pattern in (
            patterns.compiled(rf"{patterns.DET}{patterns.A} {patterns.PREPOSITION} {patterns.S}"),
            patterns.compiled(rf"{patterns.DET}{patterns.S}(?:'s)? {patterns.A}"),
        ):
            inner = pattern.match(subject)
            if inner and patterns.KNOWN[inner["a"].lower()][1] is Shape.DATE and _subject(inner["s"]):
                subject, named = inner["s"], patterns.KNOWN[inner["a"].lower()][0]
                break
        for attribute in (named,) if named else ("date", "due", "end"):
            yield subject, attribute, value


def _of_dates(sentence: str) -> Iterator[tuple[str, str, Value]]:
    for attribute, pattern in patterns.DATED.items():
        match = pattern.match(sentence)
        value = date_of(match["v"]) if match else None
        if match and value:
            yield match["s"], attribute, value
            return


def _of_places(sentence: str) -> Iterator[tuple[str, str, Value]]:
    match = patterns.BASED.match(sentence)
    if match:
        subject, said = match["s"] or match["s2"], match["v"] or match["v2"]
        value = name_of(said)
        subject = re.sub(
            r"(?:'s)? (?:headquarters|head office|hq|main office|offices?)$", "", subject, flags=re.IGNORECASE
        )
        if value and date_of(said) is None:
            yield subject, "place", value


def _of_attributes(sentence: str) -> Iterator[tuple[str, str, Value]]:
    for pattern in patterns.FRAMES:
        match = pattern.match(sentence)
        if match is None or _subject(match["s"]) is None:
            continue
        canonical, shape = patterns.KNOWN[match["a"].lower()]
        value = _shaped(match["v"], shape)
        if value is not None and not patterns.INDEFINITE.match(sentence):
            yield match["s"], *_by_month(canonical, value)
            return
    for pattern in patterns.ANY_FRAMES:
        match = pattern.match(sentence)
        value = value_of(match["v"]) if match else None
        if (
            match
            and value
            and value.shape not in (Shape.TEXT, Shape.STATE)
            and not patterns.INDEFINITE.match(sentence)
        ):
            yield match["s"], " ".join(stems(match["a"].lower().split(), "en")), value
            return
        if match and value and value.shape is Shape.STATE:
            value = Value(Shape.TEXT, tuple(match["v"].lower().split()))
        if match and value and _is_definite(match["s"]):
            yield match["s"], " ".join(stems(match["a"].lower().split(), "en")), value
            return
    match = patterns.WE.match(sentence)
    value = value_of(match["v"]) if match else None
    if match and value and value.shape not in (Shape.TEXT, Shape.STATE):
        named = match["a"].lower()
        yield "ourselves", patterns.KNOWN.get(named, (" ".join(stems(named.split(), "en")), None))[0], value


def _of_states(sentence: str) -> Iterator[tuple[str, str, Value]]:
    match = patterns.IN_STATE.match(sentence)
    value = state_of(match["v"]) if match else None
    if match and value and not patterns.INDEFINITE.match(sentence):
        yield match["s"], "status", value


def _by_month(attribute: str, value: Value) -> tuple[str, Value]:
    """Return a price by month as a fee, whose unit is a currency alone."""
    if attribute not in ("price", "fee", "rent"):
        return attribute, value
    units = value.unit.split()
    currency = " ".join(each for each in units if each not in ("month", "per"))
    return ("fee" if attribute == "price" and "month" in units else attribute), Value(
        value.shape, value.tokens, currency
    )


def _shaped(text: str, shape: Shape | None) -> Value | None:
    value = value_of(text)
    if value is None:
        return None
    if shape is Shape.NAME:
        return name_of(text) if date_of(text) is None else None
    if shape is None:
        return value
    return value if value.shape is shape else None


def _without_date(subject: str) -> str:
    """Return a subject without the time that follows it, as in "Acme in March"."""
    match = patterns.DATED_TAIL.match(subject)
    return match[1] if match and date_of(match[2]) else subject


def _is_definite(subject: str) -> bool:
    return bool(re.search(r"[A-Z0-9]", subject))


def _subject(text: str) -> tuple[str, ...] | None:
    """Return the stems of a subject's words, sorted; None for pronouns, clauses and long texts."""
    text = patterns.ARTICLE.sub("", text.strip(" ,:'\""))
    words = [word.lower().removesuffix("'s") for word in patterns.WORD.findall(text)]
    if (
        not words
        or all(word in patterns.DETERMINERS for word in words)
        or len(words) > 7
        or words[0] in patterns.PRONOUNS
        or " that " in text
        or "," in text
    ):
        return None
    kept = [stem for stem in stems(words, "en") if stem not in patterns.GENERIC] or stems(words, "en")
    return tuple(sorted(set(kept)))
