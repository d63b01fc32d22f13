"""Summarise a set's outcomes as rows, and render them as tables or JSON. Pure."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from memory.evaluation.measures import reciprocal_rank
from memory.evaluation.silence import Silence
from memory.evaluation.trial import Outcome
from memory.evaluation.types import LabelledSet
from memory.evaluation.variants import HYBRID


@dataclass(frozen=True, slots=True)
class Row:
    """Means of a search's figures over a haystack's questions, or those of one group."""

    haystack: str
    group: str
    search_type: str
    figures: dict[str, float]
    questions: int


def rows_of(outcomes: Iterable[Outcome]) -> list[Row]:
    """Return a row for each haystack and search: the mean of its groups, each weighing the same. Then one for each group."""
    sorted_out: dict[tuple[str, str], dict[str, list[Outcome]]] = defaultdict(lambda: defaultdict(list))
    for outcome in outcomes:
        if not outcome.question.relevant:
            continue
        sorted_out[outcome.haystack, str(outcome.variant)][outcome.question.group].append(outcome)
    means, grouped = [], []
    for (haystack, variant), groups in sorted_out.items():
        each = [
            Row(haystack, group, variant, _means([one.figures for one in some]), len(some))
            for group, some in groups.items()
        ]
        total = sum(row.questions for row in each)
        means.append(Row(haystack, "", variant, _means([row.figures for row in each]), total))
        grouped += each if len(each) > 1 else []
    return means + grouped


def _means(figures: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: fmean(each[name] for each in figures) for name in figures[0]}


def as_tables(found: LabelledSet, rows: Sequence[Row], silences: Sequence[Silence]) -> Iterator[str]:
    """Yield the lines of a set's tables: the searches of each haystack, every group's main figures, abstentions."""
    for haystack in dict.fromkeys(row.haystack for row in rows):
        own = [row for row in rows if row.haystack == haystack]
        title = ", ".join(part for part in (found.name, haystack) if part)
        yield f"{title} ({found.kind}, {own[0].questions} questions)"
        yield from _table("search type", [(row.search_type, row) for row in own if not row.group])
        grouped = [(row.group, row) for row in own if row.group and row.search_type == str(HYBRID)]
        if grouped:
            yield from _table(f"{HYBRID} by group", grouped)
        for silence in silences:
            if silence.haystack == haystack:
                figures = ", ".join(f"{name} {_figure(value)}" for name, value in silence.figures.items())
                yield f"abstention in {HYBRID}: {figures} ({silence.unanswerable} unanswerable)"
        yield ""


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _table(head: str, rows: Sequence[tuple[str, Row]]) -> Iterator[str]:
    names = list(rows[0][1].figures)
    yield f"{head:<28}" + "".join(f" {name:>8}" for name in names)
    for label, row in rows:
        yield f"{label:<28}" + "".join(f" {row.figures[name]:8.3f}" for name in names)


def as_json_lines(found: LabelledSet, rows: Sequence[Row], silences: Sequence[Silence]) -> Iterator[str]:
    """Yield one JSON object per row, and one per haystack with its abstentions."""
    for row in rows:
        place = _place(found, row.haystack, row.group) | {"search_type": row.search_type}
        yield json.dumps(place | _rounded(row.figures) | {"questions": row.questions})
    for silence in silences:
        place = _place(found, silence.haystack, "") | {"search_type": str(HYBRID)}
        counts = {"questions": silence.answerable, "unanswerable": silence.unanswerable}
        yield json.dumps(place | {"abstention": _rounded(silence.figures)} | counts)


def _place(found: LabelledSet, haystack: str, group: str) -> dict[str, Any]:
    parts = {"set": found.name, "kind": found.kind.value, "haystack": haystack, "group": group}
    return {name: value for name, value in parts.items() if value}


def _rounded(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: value if value is None else round(value, 4) for name, value in figures.items()}


def misses(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Yield a line for each question whose first hit in hybrid search is wrong, with the right memory's rank."""
    for outcome in outcomes:
        rank = reciprocal_rank(outcome.found, outcome.question.relevant)
        if outcome.variant != HYBRID or rank == 1 or not outcome.question.relevant:
            continue
        first = outcome.found[0] if outcome.found else "nothing"
        wanted = " ".join(outcome.question.relevant)
        place = " ".join(part for part in (outcome.haystack, outcome.question.group) if part)
        right = f"{wanted} at rank {round(1 / rank)}" if rank else f"{wanted} not found"
        yield f"{place}\t{right}\t{first} first\t{outcome.question.text}".lstrip("\t")
