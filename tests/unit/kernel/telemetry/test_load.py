"""How busy a process is."""

import time

from liftos.kernel.telemetry.metrics import load
from liftos.kernel.telemetry.metrics.load import Load, LoadMeter


def test_requests_in_work_are_counted_in_and_out():
    meter = LoadMeter()
    assert meter.read(4).application == 0
    with meter, meter:
        assert meter.read(4).application == 0.5
    assert meter.read(4).application == 0


def test_cpu_is_that_since_the_last_reading(monkeypatch):
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


def test_the_form_is_orcas():
    assert Load(0.25, 0.5).as_header() == "TEXT application_utilization=0.250, cpu_utilization=0.500"
