"""A worker answers /metrics on a port of its own."""

import logging
import socket
import urllib.error
import urllib.request

import pytest

from liftos.celery import app
from liftos.kernel.telemetry.metrics.worker import serve_metrics

app.loader.import_default_modules()


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def read(port, **headers):
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=headers)
    with urllib.request.urlopen(asked, timeout=5) as answer:
        return answer.read().decode()


def runs(text):
    [line] = [
        line
        for line in text.splitlines()
        if line.startswith('liftos_operations_total{operation="accountability.sequence",outcome="success"}')
    ]
    return float(line.split()[-1])


def test_worker_port_serves_sequencer_metrics(port, organisation):
    app.tasks["accountability.sequence"].apply()
    stop = serve_metrics("127.0.0.1", port)
    try:
        before = runs(read(port))
        app.tasks["accountability.sequence"].apply()
        assert runs(read(port)) == before + 1
    finally:
        stop()
    with pytest.raises(urllib.error.URLError):
        read(port)


def test_configured_token_is_required(port, organisation):
    app.tasks["accountability.sequence"].apply()
    stop = serve_metrics("127.0.0.1", port, "secret")
    try:
        for given in ({}, {"authorization": "Bearer other"}):
            with pytest.raises(urllib.error.HTTPError, match="401"):
                read(port, **given)
        assert runs(read(port, authorization="Bearer secret")) > 0
    finally:
        stop()


def test_port_in_use_is_logged_and_work_continues(port, caplog):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with caplog.at_level(logging.ERROR, logger="liftos.metrics"):
            serve_metrics("127.0.0.1", port)()
    [line] = caplog.records
    assert line.port == port
