"""The load figures of a process."""

import time

from liftos.kernel.telemetry.metrics import load
from liftos.kernel.telemetry.metrics.load import Load, LoadMeter


def test_active_requests_are_counted():
    meter = LoadMeter()
    assert meter.read(4).application == 0
    with meter, meter:
        assert meter.read(4).application == 0.5
    assert meter.read(4).application == 0


def test_cpu_is_measured_since_the_last_reading(monkeypatch):
    times = {"monotonic": 100.0, "process_time": 5.0}
    monkeypatch.setattr(time, "monotonic", lambda: times["monotonic"])
    monkeypatch.setattr(time, "process_time", lambda: times["process_time"])
    monkeypatch.setattr(load.os, "cpu_count", lambda: 2)
    meter = LoadMeter()
    times.update(monotonic=110.0, process_time=15.0)
    assert meter.read(1).cpu == 0.5
    times.update(monotonic=110.5)
    assert meter.read(1).cpu == 0.5
    times.update(monotonic=120.0)
    assert meter.read(1).cpu == 0


def test_header_has_orcas_text_form():
    assert Load(0.25, 0.5).as_header() == "TEXT application_utilization=0.250, cpu_utilization=0.500"
