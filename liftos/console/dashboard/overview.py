"""The figures of the admin's overview page, read in the organisation's transaction. Their cost is bounded at any size."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.utils.safestring import SafeString

from accountability.queries import newest_confidences
from accountability.reviews.queries import count_states, count_to_do
from liftos.console.dashboard.svg import Line, draw_bars, draw_lines
from liftos.kernel.telemetry.metrics.history import Interval, Step, read_intervals
from memory.index.collection_statistics import get_corpus
from memory.index.embeddings import cache_stats
from spaces.queries import count_spaces
from workflows.queries import count_runs

HOURS = 24
PREFIX = "memory."
# newest decisions with a stated confidence
CONFIDENCES = 1_000
VERDICTS = 1_000
_BINS = 10
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure, with an optional link."""

    name: str
    value: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The content of the page."""

    tiles: list[Tile]
    charts: list[SafeString]


def dashboard(organisation: UUID, now: datetime) -> Dashboard:
    """Return the dashboard of an organisation; inside its transaction."""
    runs, active = count_runs(organisation=organisation)
    waiting = count_to_do(organisation=organisation, most=_MOST)
    hours = _last_hours(organisation, now)
    asked = [each for each in hours if each.operation in ("memory.search", "memory.search_many")]
    failed = sum(each.failures for each in hours)
    counted = sum(each.count for each in hours)
    tiles = [
        Tile("Memories", f"{get_corpus(organisation).memories:,}", "admin:memory_memory_changelist"),
        Tile(f"Searches, {HOURS} h", f"{sum(each.count for each in asked):,}"),
        Tile(f"Succeeded, {HOURS} h", f"{1 - failed / counted:.2%}" if counted else "-"),
        Tile(
            "To review",
            f"{waiting:,}{'+' if waiting >= _MOST else ''}",
            "admin:accountability_reviewcase_changelist",
        ),
        Tile("Runs active", f"{active:,} of {runs:,}", "admin:workflows_run_changelist"),
        Tile("Spaces", f"{count_spaces(organisation):,}", "admin:spaces_space_changelist"),
        Tile("Embedding cache, this process", f"{cache_stats(organisation)['hit_rate']:.1%}"),
    ]
    begins = [_hour(now) - timedelta(hours=back) for back in reversed(range(HOURS))]
    labels = [f"{begin:%H:00}" for begin in begins]
    charts = [
        draw_bars(
            f"Operations per hour (UTC), {HOURS} h",
            labels,
            [
                Line("searches", _sums(asked, begins)),
                Line("stores", _sums([each for each in hours if "store" in each.operation], begins)),
            ],
        ),
        draw_lines(
            "Search latency",
            labels,
            [Line("p50", _longest(asked, begins, "p50_ms")), Line("p95", _longest(asked, begins, "p95_ms"))],
            " ms",
        ),
        _confidences(organisation),
        _verdicts(organisation),
    ]  # fmt: skip
    return Dashboard(tiles, charts)


def _last_hours(organisation: UUID, now: datetime) -> list[Interval]:
    """Return the intervals of memory operations: per hour, and per minute for hours not yet aggregated."""
    since, recent = _hour(now) - timedelta(hours=HOURS - 1), _hour(now) - timedelta(hours=1)
    hours = read_intervals(
        organisation=organisation, step=Step.HOUR, since=since, until=recent, prefix=PREFIX
    )
    until = now + timedelta(minutes=1)
    return hours + read_intervals(
        organisation=organisation, step=Step.MINUTE, since=recent, until=until, prefix=PREFIX
    )


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _sums(found: Sequence[Interval], begins: Sequence[datetime]) -> list[float]:
    counted: Counter[datetime] = Counter()
    for each in found:
        counted[_hour(each.at)] += each.count
    return [counted[begin] for begin in begins]


def _longest(found: Sequence[Interval], begins: Sequence[datetime], name: str) -> list[float | None]:
    by_hour: dict[datetime, float] = {}
    for each in found:
        by_hour[_hour(each.at)] = max(by_hour.get(_hour(each.at), 0.0), getattr(each, name))
    return [by_hour.get(begin) for begin in begins]


def _confidences(organisation: UUID) -> SafeString:
    stated = newest_confidences(organisation=organisation, most=CONFIDENCES)
    bins = Counter(min(_BINS - 1, int(each * _BINS)) for each in stated)
    labels = [f"{place / _BINS:.1f}" for place in range(_BINS)]
    return draw_bars(
        f"Stated confidence, last {len(stated):,} decisions",
        labels,
        [Line("decisions", [bins[place] for place in range(_BINS)])],
    )


def _verdicts(organisation: UUID) -> SafeString:
    counted = count_states(organisation=organisation, newest=VERDICTS)
    states = {str(state).replace("_", " "): count for state, count in counted.items()}
    labels = sorted(states)
    shown = ", ".join(f"{states[each]:,} {each}" for each in labels) or "none yet"
    return draw_bars(f"Reviews: {shown}", labels, [Line("decisions", [states[each] for each in labels])])
