"""Stores this process's figures of operations in Postgres, minute by minute.

Each process writes rows under its own id, always with the totals of the minute so far, so repeated writes are harmless.
A killed process loses at most one interval.
"""

import logging
import os
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.ids import as_uuid
from liftos.kernel.telemetry.manager import ObservabilityManager, get_observability
from liftos.kernel.telemetry.metrics.summary import Kind, SeriesSnapshot

logger = logging.getLogger("liftos.metrics")

BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
"""Upper bounds of the duration buckets, in ms; a last bucket holds longer ones."""

# cells kept during a database outage: an hour of 170 operations, or of ten organisations with 17
MAX_CELLS = 10_000
_DURATION, _ERROR = ".duration", ".error"
_WRITE = """
INSERT INTO observability_operationminute
    (organisation_id, minute, operation, process, count, failures, total_ms, max_ms, buckets)
SELECT %(organisation)s, w.minute, w.operation, %(process)s, w.count, w.failures, w.total_ms, w.max_ms,
       ARRAY(SELECT jsonb_array_elements_text(w.buckets::jsonb)::bigint)
FROM unnest(%(minutes)s::timestamptz[], %(operations)s::text[], %(counts)s::bigint[], %(failures)s::bigint[],
            %(totals)s::float8[], %(maxima)s::float8[], %(buckets)s::text[])
     AS w(minute, operation, count, failures, total_ms, max_ms, buckets)
ON CONFLICT (organisation_id, minute, operation, process) DO UPDATE SET count = excluded.count,
    failures = excluded.failures, total_ms = excluded.total_ms, max_ms = excluded.max_ms, buckets = excluded.buckets
"""

Key = tuple[str, str]  # organisation, operation


@dataclass(slots=True)
class Cell:
    """Figures of one operation of one organisation in one minute; times in ms."""

    count: int = 0
    failures: int = 0
    total_ms: float = 0.0
    max_ms: float = 0.0
    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_MS) + 1))


@dataclass(frozen=True, slots=True)
class Seen:
    """Totals at the last flush."""

    count: int = 0
    total_ns: float = 0.0
    failures: int = 0


class MinuteWriter:
    """Turns a manager's cumulative counts into rows per minute.

    Attributes:
        lost: cells discarded during a long database outage.
    """

    def __init__(
        self, manager: ObservabilityManager, *, clock: Callable[[], datetime] = timezone.now
    ) -> None:
        """Create a writer.

        Args:
            manager: the source of the metrics.
            clock: aware UTC.
        """
        self._manager = manager
        self._clock = clock
        self._process = uuid4()
        self._seen: dict[Key, Seen] = {}
        self._cells: dict[tuple[datetime, Key], Cell] = {}
        self.lost = 0

    def flush(self) -> int:
        """Write what was counted since the last flush; return the number of rows written.

        If the database is unavailable, at most `MAX_CELLS` rows are kept for the next flush.
        """
        now = self._clock()
        minute = now.astimezone(UTC).replace(second=0, microsecond=0)
        self._count(minute)
        written = 0
        by_organisation: dict[str, list[tuple[datetime, str, Cell]]] = {}
        for (of, (organisation, operation)), cell in self._cells.items():
            by_organisation.setdefault(organisation, []).append((of, operation, cell))
        for organisation, cells in by_organisation.items():
            try:
                _write(UUID(organisation), self._process, cells)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("minute figures could not be written and are kept", exc_info=error)
                self._bound()
                return written
            written += len(cells)
            # the current minute is written again with its new totals
            for of, operation, _ in cells:
                if of < minute:
                    del self._cells[of, (organisation, operation)]
        self._manager.metrics.mark_aggregated(now.timestamp())
        return written

    def _count(self, minute: datetime) -> None:
        """Add new counts to the cells of `minute`."""
        taken = self._manager.metrics.snapshot()
        failures = _by_key(taken, Kind.COUNTER, _ERROR)
        for key, timers in _by_key(taken, Kind.TIMER, _DURATION).items():
            count = sum(each.count for each in timers)
            total_ns = sum(each.total for each in timers)
            failed = sum(int(each.total) for each in failures.get(key, ()))
            before = self._seen.get(key, Seen())
            fresh = count - before.count
            if fresh <= 0:
                continue
            cell = self._cells.setdefault((minute, key), Cell())
            cell.count += fresh
            cell.failures += failed - before.failures
            cell.total_ms += (total_ns - before.total_ns) / 1e6
            _add_durations(cell, timers, fresh)
            self._seen[key] = Seen(count, total_ns, failed)

    def _bound(self) -> None:
        for oldest in sorted(self._cells)[: max(0, len(self._cells) - MAX_CELLS)]:
            del self._cells[oldest]
            self.lost += 1


def _by_key(taken: Iterable[SeriesSnapshot], kind: Kind, ending: str) -> dict[Key, list[SeriesSnapshot]]:
    """Return the series of operations by organisation and operation, without those of no organisation."""
    found: dict[Key, list[SeriesSnapshot]] = {}
    for each in taken:
        if each.kind is not kind or not each.name.endswith(ending):
            continue
        organisation = dict(each.tags).get("organisation", "")
        if as_uuid(organisation):
            found.setdefault((organisation, each.name.removesuffix(ending)[:200]), []).append(each)
    return found


def _add_durations(cell: Cell, timers: Iterable[SeriesSnapshot], fresh: int) -> None:
    """Count the latest durations in buckets, scaled up if not all raw points were kept."""
    points = [point / 1e6 for each in timers for point in each.points[-fresh:]]
    if not points:
        return
    latest = points[-fresh:]
    counts = [0] * len(cell.buckets)
    for point in latest:
        counts[bucket_of(point)] += 1
    cell.max_ms = max(cell.max_ms, *latest)
    shares = [fresh * count / len(latest) for count in counts]
    whole = [int(share) for share in shares]
    # distribute what rounding down left over by largest remainder, so that the buckets sum to the count
    for index in sorted(range(len(shares)), key=lambda at: whole[at] - shares[at])[: fresh - sum(whole)]:
        whole[index] += 1
    cell.buckets = [a + b for a, b in zip(cell.buckets, whole, strict=True)]


def bucket_of(duration_ms: float) -> int:
    """Return the index of a duration's bucket."""
    return next((place for place, bound in enumerate(BOUNDS_MS) if duration_ms <= bound), len(BOUNDS_MS))


def _write(organisation: UUID, process: UUID, cells: list[tuple[datetime, str, Cell]]) -> None:
    # one order in all processes prevents deadlocks
    cells = sorted(cells, key=lambda each: each[:2])
    with tenant_transaction(organisation), raw_cursor() as cursor:
        # losing a minute in a crash is acceptable, waiting for the disk is not
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute(
            _WRITE,
            {
                "organisation": organisation,
                "process": process,
                "minutes": [minute for minute, _, _ in cells],
                "operations": [operation for _, operation, _ in cells],
                "counts": [cell.count for *_, cell in cells],
                "failures": [cell.failures for *_, cell in cells],
                "totals": [cell.total_ms for *_, cell in cells],
                "maxima": [cell.max_ms for *_, cell in cells],
                "buckets": [str(cell.buckets) for *_, cell in cells],
            },
        )


class MinuteThread:
    """A thread that flushes a writer at an interval, and once more at the end."""

    def __init__(self, writer: MinuteWriter, interval: float, then: Callable[[], object]) -> None:
        """Create the thread.

        Args:
            writer: to flush.
            interval: seconds.
            then: called after each flush.
        """
        self._writer = writer
        self._interval = interval
        self._then = then
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="minutes", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Flush once more and end the thread."""
        self._ended.set()
        self._thread.join(timeout=10)

    def _run(self) -> None:
        while True:
            ended = self._ended.wait(self._interval)
            try:
                self._writer.flush()
                self._then()
            except Exception:
                logger.exception("minute figures could not be written; retrying at the next interval")
            finally:
                connection.close()
            if ended:
                return


_threads: dict[int, MinuteThread] = {}


def start_minutes(interval: float, then: Callable[[], object] = lambda: None) -> None:
    """Start writing this process's minutes, calling `then` after each flush; call it again in a forked child."""
    if os.getpid() not in _threads:
        writer = MinuteWriter(get_observability())
        thread = _threads[os.getpid()] = MinuteThread(writer, interval, then)
        thread.start()


def stop_minutes() -> None:
    """Write the process's last minute and stop, if it was started."""
    thread = _threads.pop(os.getpid(), None)
    if thread is not None:
        thread.stop()
