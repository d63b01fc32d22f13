"""Figures add up across processes and outlive them."""

import re

import pytest

from liftos.runtime import embedded
from liftos.runtime.embedded.postgres import Postgres
from tests.faults.service import Service, until

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]


@pytest.fixture
def service(tmp_path, monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    counts = tmp_path / "counts"
    counts.mkdir()
    made = Service(
        tmp_path / "home",
        LIFTOS_WEB_WORKERS="2",
        LIFTOS_METRICS_SECONDS="1",
        PROMETHEUS_MULTIPROC_DIR=str(counts),
    )
    yield made
    made.close()


def counted(service, operation):
    """Return the /metrics of whichever process answers."""
    text = service.text("/metrics")
    pattern = rf'^liftos_operations_total{{operation="{operation}",outcome="success"}} (\S+)$'
    found = re.findall(pattern, text, re.MULTILINE)
    return float(found[0]) if found else 0.0


def kept(service, operation):
    """Return the per-minute figures."""
    _, page = service.request("GET", f"/api/v1/metrics/operations?operation={operation}")
    return sum(each["count"] for each in page["results"] if each["operation"] == operation)


def test_metrics_add_up_across_processes_and_outlive_them(service):
    web = service.start_web()
    service.start_worker()
    for turn in range(20):
        service.store(f"fact {turn}")
    assert {counted(service, "memory.store") for _ in range(10)} == {20}
    until(lambda: counted(service, "accountability.sequence") > 0)
    assert "liftos_worker_threads 2.0" in service.text("/metrics")
    until(lambda: kept(service, "memory.store") == 20)
    service.kill(web)
    service.start_web()
    assert kept(service, "memory.store") == 20
    service.store("another")
    assert counted(service, "memory.store") == 21
    until(lambda: kept(service, "memory.store") == 21)


def test_a_restart_of_postgres_loses_no_minute(service):
    service.start_web()
    service.store("before")
    until(lambda: kept(service, "memory.store") == 1)
    service.store("just before")
    service.server(Postgres).stop()
    embedded.ensure_running(service.home)
    until(service.answers)
    until(lambda: kept(service, "memory.store") >= 2)
    assert kept(service, "memory.store") == 2
