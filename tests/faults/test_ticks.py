"""Schedules under kill -9, with two beats and two workers: each tick starts one run."""

from datetime import UTC, datetime, timedelta
from time import sleep

import pytest

from tests.faults.service import Service, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
SCHEDULES, MINUTES = 4, 10


@pytest.fixture
def service(tmp_path, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    made = Service(tmp_path / "home", LIFTOS_SCHEDULE_SECONDS="0.3")
    yield made
    made.close()


def test_each_tick_starts_one_run(service):
    service.start_web()
    workers = [service.start_worker()]
    # a second scheduler, as after a botched deployment
    service._start("celery", "-A", "liftos.celery", "beat", "-s", str(service.home / "beat2"))

    def make(path, body):
        status, made = service.request("POST", path, body)
        assert status in (200, 201), made
        return made

    find = {"name": "find", "function": "memory.search", "arguments": {"query": "load"}}
    template = make("/api/v1/workflows/templates", {"name": "find", "steps": [find]})["id"]
    make(f"/api/v1/workflows/templates/{template}/publish", {})
    until_ = datetime.now(UTC).replace(second=0, microsecond=0)
    span = {"since": (until_ - timedelta(minutes=MINUTES)).isoformat(), "until": until_.isoformat()}
    made = []
    for number in range(SCHEDULES):
        body = {"name": f"s{number}", "cron": "* * * * *", "template": "find"}
        made.append(make("/api/v1/schedules", body)["id"])
        assert make(f"/api/v1/schedules/{made[-1]}/backfill", span)["queued"] == MINUTES + 1
    for _ in range(3):
        sleep(1.5)
        service.kill(workers.pop())
        workers.append(service.start_worker())

    def ticks():
        found = []
        for each in made:
            found += service.request("GET", f"/api/v1/schedules/{each}/ticks?limit=100")[1]["results"]
        return found

    until(lambda: all(each["state"] in ("started", "skipped") for each in ticks()), 120)
    started = [each["run_id"] for each in ticks() if each["state"] == "started"]
    assert len(started) >= SCHEDULES * (MINUTES + 1)
    assert len(set(started)) == len(started)

    def runs():
        _, found = service.request("GET", "/api/v1/workflows/runs?template=find&limit=200")
        return {each["id"] for each in found["results"]}

    # a minute may begin between two questions
    until(lambda: runs() == {each["run_id"] for each in ticks() if each["state"] == "started"}, 20)
