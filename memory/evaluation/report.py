"""Summarise a set's outcomes as rows, and render rows as tables or JSON. Pure."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from memory.evaluation.measures import reciprocal_rank
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


def as_tables(found: LabelledSet, rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of a set's tables: the searches of each haystack, then every group's main figures."""
    for haystack in dict.fromkeys(row.haystack for row in rows):
        own = [row for row in rows if row.haystack == haystack]
        title = ", ".join(part for part in (found.name, haystack) if part)
        yield f"{title} ({found.kind}, {own[0].questions} questions)"
        yield from _table("search type", [(row.search_type, row) for row in own if not row.group])
        grouped = [(row.group, row) for row in own if row.group and row.search_type == str(HYBRID)]
        if grouped:
            yield from _table(f"{HYBRID} by group", grouped)
        yield ""


def _table(head: str, rows: Sequence[tuple[str, Row]]) -> Iterator[str]:
    names = list(rows[0][1].figures)
    yield f"{head:<28}" + "".join(f" {name:>8}" for name in names)
    for label, row in rows:
        yield f"{label:<28}" + "".join(f" {row.figures[name]:8.3f}" for name in names)


def as_json_lines(found: LabelledSet, rows: Sequence[Row]) -> Iterator[str]:
    """Yield one JSON object per row."""
    for row in rows:
        place: dict[str, Any] = {"set": found.name, "kind": found.kind.value}
        place |= {"haystack": row.haystack} if row.haystack else {}
        place |= {"group": row.group} if row.group else {}
        rounded = {name: round(value, 4) for name, value in row.figures.items()}
        yield json.dumps(place | {"search_type": row.search_type, **rounded, "questions": row.questions})


def misses(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Yield a line for each question whose first hit in hybrid search is wrong, with the right memory's rank."""
    for outcome in outcomes:
        rank = reciprocal_rank(outcome.found, outcome.question.relevant)
        if outcome.variant != HYBRID or rank == 1:
            continue
        first = outcome.found[0] if outcome.found else "nothing"
        wanted = " ".join(outcome.question.relevant)
        place = " ".join(part for part in (outcome.haystack, outcome.question.group) if part)
        right = f"{wanted} at rank {round(1 / rank)}" if rank else f"{wanted} not found"
        yield f"{place}\t{right}\t{first} first\t{outcome.question.text}".lstrip("\t")
