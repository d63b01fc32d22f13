"""Operation metrics: minutes per process, hours across processes, retention, isolation by organisation."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.manager import ObservabilityManager
from liftos.kernel.telemetry.metrics import minutes
from liftos.kernel.telemetry.metrics.history import Step, read_intervals
from liftos.kernel.telemetry.metrics.minutes import MinuteWriter
from liftos.kernel.telemetry.metrics.rollup import roll_up
from liftos.kernel.telemetry.models import OperationHour, OperationMinute
from tests.conftest import make_caller

NOON = datetime(2026, 5, 1, 12, 0, 30, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


@pytest.fixture
def two(committed_db):
    return make_caller("First").organisation, make_caller("Second").organisation


@pytest.fixture
def process():
    """Makes a process: its manager, its writer, its clock."""

    def make():
        manager, clock = ObservabilityManager(), Clock()
        return manager, MinuteWriter(manager, clock=clock), clock

    return make


def intervals(organisation, step=Step.MINUTE, **options):
    with tenant_transaction(organisation):
        return read_intervals(
            organisation=organisation, step=step, since=NOON - timedelta(days=2), until=NOON + timedelta(days=2), **options
        )  # fmt: skip


def rolled(organisation, now, minutes_kept=timedelta(hours=4), hours_kept=timedelta(days=1)):
    roll_up(organisation=organisation, now=now, minutes_kept=minutes_kept, hours_kept=hours_kept)


def test_each_interval_has_its_own_figures_across_restarts(two, process):
    own, other = two
    manager, writer, clock = process()
    manager.record("memory.search", 3_000_000, organisation=str(own))
    manager.record("memory.search", 30_000_000, organisation=str(own), failed=True)
    manager.record("memory.store", 1, organisation=str(other))
    manager.record("GET /health", 1)
    assert writer.flush() == 2
    clock.now += timedelta(minutes=1)
    manager.record("memory.search", 7_000_000, organisation=str(own))
    writer.flush()
    # another process, or this one after a restart
    manager, writer, clock = process()
    clock.now += timedelta(minutes=1)
    manager.record("memory.search", 400_000_000, organisation=str(own))
    writer.flush()
    first, second = intervals(own)
    assert (first.at, first.count, first.failures) == (NOON.replace(second=0), 2, 1)
    assert (first.success_rate, first.mean_ms, first.max_ms) == (0.5, 16.5, 30)
    assert (second.count, second.failures, second.mean_ms) == (2, 0, pytest.approx(203.5))
    assert 5 <= second.p50_ms <= 10
    assert 200 < second.p95_ms <= 400
    assert [each.operation for each in intervals(other)] == ["memory.store"]
    assert intervals(own, prefix="memory.st") == []


def test_writing_twice_changes_nothing(two, process):
    own, _ = two
    manager, writer, _clock = process()
    for _ in range(3):
        manager.record("memory.search", 2_000_000, organisation=str(own))
        writer.flush()
        writer.flush()
    [only] = intervals(own)
    assert only.count == 3
    with tenant_transaction(own):
        assert sum(OperationMinute.objects.get().buckets) == 3


def test_busy_minute_is_estimated_from_its_sample(two, process):
    own, _ = two
    manager, writer, _clock = process()
    for number in range(3_000):
        manager.record("memory.search", 3_000_000 if number % 3 else 15_000_000, organisation=str(own))
    writer.flush()
    [only] = intervals(own)
    assert (only.count, only.mean_ms) == (3_000, pytest.approx(7))
    with tenant_transaction(own):
        buckets = OperationMinute.objects.get().buckets
    assert sum(buckets) == 3_000
    assert buckets[2] == pytest.approx(2_000, abs=10)


def test_unavailable_database_has_no_effect(two, process, monkeypatch):
    own, _ = two
    manager, writer, clock = process()
    manager.record("memory.search", 1, organisation=str(own))

    def away(*args):
        raise OperationalError("away")

    with monkeypatch.context() as patch:
        patch.setattr(minutes, "_write", away)
        assert writer.flush() == 0
        clock.now += timedelta(minutes=1)
        manager.record("memory.search", 1, organisation=str(own))
        assert writer.flush() == 0
    clock.now += timedelta(minutes=1)
    assert writer.flush() == 2
    assert [each.count for each in intervals(own)] == [1, 1]
    assert writer.flush() == 0
    with monkeypatch.context() as patch:
        patch.setattr(minutes, "_write", away)
        patch.setattr(minutes, "MAX_CELLS", 1)
        for name in ("a", "b", "c"):
            manager.record(name, 1, organisation=str(own))
        writer.flush()
    assert (writer.lost, writer.flush()) == (2, 1)


def test_hourly_aggregation_is_idempotent(two, process):
    own, other = two
    for failed in (False, True):
        manager, writer, clock = process()
        for hour in range(3):
            clock.now = NOON + timedelta(hours=hour)
            manager.record("memory.search", 3_000_000, organisation=str(own), failed=failed)
            writer.flush()
    for _ in range(3):
        rolled(own, NOON + timedelta(hours=2))
    hours = intervals(own, Step.HOUR)
    assert [(each.at.hour, each.count, each.failures) for each in hours] == [
        (12, 2, 1),
        (13, 2, 1),
        (14, 2, 1),
    ]
    with tenant_transaction(own):
        assert OperationHour.objects.earliest("hour").buckets[2] == 2
    # what comes late is counted, and what has gone as a minute stays in its hour
    clock.now = NOON + timedelta(hours=1, minutes=5)
    manager.record("memory.search", 1, organisation=str(own))
    writer.flush()
    rolled(own, NOON + timedelta(hours=6))
    with tenant_transaction(own):
        assert OperationMinute.objects.filter(minute__lt=NOON + timedelta(hours=1, minutes=55)).count() == 0
        assert OperationMinute.objects.count() == 2
    rolled(own, NOON + timedelta(hours=6))
    assert [each.count for each in intervals(own, Step.HOUR)] == [2, 3, 2]
    rolled(own, NOON + timedelta(days=3))
    assert intervals(own, Step.HOUR) == []
    assert intervals(other, Step.HOUR) == []
    with pytest.raises(ValueError, match="four hours"):
        rolled(own, NOON, minutes_kept=timedelta(hours=3))


def test_the_route_shows_the_callers_own(committed_db, process):
    acme, rival = make_caller("Acme"), make_caller("Rival")
    manager, writer, _clock = process()
    manager.record("memory.search", 3_000_000, organisation=str(acme.organisation))
    writer.flush()
    path = "/api/v1/metrics/operations?since=2026-05-01T12:00:00&until=2026-05-01T12:01:00Z"
    [found] = acme.get(path).json()["results"]
    assert (found["operation"], found["count"], found["success_rate"]) == ("memory.search", 1, 1.0)
    assert found["at"] == "2026-05-01T12:00:00Z"
    assert rival.get(path).json() == {"results": [], "next": None}
    assert acme.get(f"{path}&operation=GET").json()["results"] == []
    assert acme.get("/api/v1/metrics/operations?step=hour").json()["results"] == []
    for wrong in ("step=day", "since=yesterday"):
        response = acme.get(f"/api/v1/metrics/operations?{wrong}")
        assert response.status_code == 422
        assert response.json()["errors"][0]["loc"] == ["query", wrong.split("=")[0]]
