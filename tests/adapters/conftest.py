"""The service for adapters' checks; these run in an environment with the frameworks, and without Django."""

import os
import time

import pytest

pytest.importorskip("liftos_client")


@pytest.fixture(scope="session")
def liftos():
    from liftos_client import Client

    with Client(os.environ["LIFTOS_URL"], os.environ["LIFTOS_API_KEY"]) as client:
        yield client


@pytest.fixture
def added(liftos, monkeypatch):
    """Measure the seconds that a call takes beside its requests: the least of several."""
    waited = [0.0]
    send = liftos._http.request

    def timed(*args, **kwargs):
        started = time.perf_counter()
        try:
            return send(*args, **kwargs)
        finally:
            waited[0] += time.perf_counter() - started

    monkeypatch.setattr(liftos._http, "request", timed)

    def measure(call):
        least = float("inf")
        for _ in range(7):
            waited[0], started = 0.0, time.perf_counter()
            call()
            least = min(least, time.perf_counter() - started - waited[0])
        return least

    return measure
