"""One caller's effect on others, with and without a key, against gunicorn."""

import http.client
import json
import socket
import statistics
import threading
import time
from pathlib import Path

import pytest

from tests.faults.service import Service

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

MEGABYTE = 1024 * 1024
QUIET_AND_BUSY = 400  # its p95 is of 20 values: of 60 requests it would be of three


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DATABASE_URL", "REDIS_URL"):
            patch.delenv(name, raising=False)
        made = Service(
            tmp_path_factory.mktemp("service") / "home",
            LIFTOS_HEADER_SECONDS="20",
            LIFTOS_BODY_SECONDS="20",
            LIFTOS_RATE_LIMIT_KEY="none",
        )
        made.web = made.start_web()
        made.store("Rain lifts sales of boots within two days")
        yield made
        made.close()


def connect(service):
    return socket.create_connection(("127.0.0.1", service.port), timeout=60)


def send(service, head, *chunks):
    """Send a request in chunks; return status and body, even of an early answer."""
    with connect(service) as caller:
        caller.sendall(head.encode() + b"Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for chunk in chunks:
                caller.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            caller.sendall(b"0\r\n\r\n")
        except OSError:
            pass  # the answer has come, and the rest is not wanted
        answer = http.client.HTTPResponse(caller)
        answer.begin()
        return answer.status, answer.read()


def memory_kb(service):
    """Return the peak resident memory of the web processes, kB."""
    pids = [service.web.pid]
    children = Path(f"/proc/{service.web.pid}/task/{service.web.pid}/children").read_text().split()
    lines = [
        line for pid in [*pids, *children] for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    ]
    return max(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def test_incomplete_requests_block_nobody(service):
    halves = [
        b"POST /api/v1/search HTTP/1.1\r\nHost: loc",
        b"POST /api/v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
        b"POST /api/v1/memories/bulk HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
    ]
    callers = [connect(service) for _ in range(60)]
    try:
        for number, caller in enumerate(callers):
            caller.sendall(halves[number % len(halves)])
        time.sleep(0.5)
        for _ in range(5):
            assert service.request("GET", "/ready")[0] == 200
            assert service.found("boots") == ["Rain lifts sales of boots within two days"]
    finally:
        for caller in callers:
            caller.close()


@pytest.mark.parametrize(
    "path", ["/api/v1/memories/bulk", "/api/v1/memories/bulk?mode=async", "/store", "/api/v1/search"]
)
def test_large_unauthenticated_body_is_neither_stored_nor_parsed(service, path):
    before = memory_kb(service)
    status, body = send(service, f"POST {path} HTTP/1.1\r\n", *[b"0," * (MEGABYTE // 2)] * 64)
    assert status == 401, body
    assert memory_kb(service) - before < 16 * 1024


def test_too_many_values_are_refused_before_parsing(service):
    zeros = [0] * 1_200_000
    status, body = service.request("POST", "/api/v1/search/batch", {"queries": zeros})
    assert status == 422
    assert body["errors"][0]["type"] == "too_many_values"


def test_work_ends_when_its_caller_disconnects(service):
    queries = [f"a question of its own, number {number}" for number in range(1000)]
    body = json.dumps({"queries": queries}).encode()
    head = f"POST /api/v1/search/batch HTTP/1.1\r\nHost: localhost\r\nX-Api-Key: {service.key}\r\nContent-Length: {len(body)}\r\n\r\n"
    caller = connect(service)
    caller.sendall(head.encode() + body)
    time.sleep(0.5)
    caller.close()
    # waits for the one before: costly requests are few at once
    assert service.request("POST", "/api/v1/search/batch", {"queries": ["boots"]})[0] == 200
    _, decisions = service.request("GET", "/api/v1/decisions?operation=memory.search_many&limit=200")
    asked = [each["inputs"]["queries"] for each in decisions["results"]]
    assert ["boots"] in asked
    assert [each for each in asked if each[0].startswith("a question of its own")] == []


def test_small_request_is_not_delayed_by_another_organisations_batches(service):
    other = json.loads(service.manage("create_organisation", "Quiet Ltd", "--json"))["api_key"]
    queries = [f"what is said of topic {number} in week {number % 52}" for number in range(100)]
    body = json.dumps({"queries": queries}).encode()
    headers = {"X-Api-Key": service.key, "Content-Type": "application/json"}
    stop, statuses = threading.Event(), set()

    def batches() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        while not stop.is_set():
            connection.request("POST", "/api/v1/search/batch", body, headers)
            answer = connection.getresponse()
            answer.read()  # unparsed: this process must not be what delays the other caller
            statuses.add(answer.status)
        connection.close()

    def p95() -> float:
        times = []
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
        for _ in range(QUIET_AND_BUSY):
            began = time.perf_counter()
            connection.request("GET", "/api/v1/memories?limit=1", headers={"X-Api-Key": other})
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200
            times.append(time.perf_counter() - began)
        connection.close()
        return statistics.quantiles(times, n=20)[-1]

    def compared() -> float:
        quiet = p95()
        stop.clear()
        threads = [threading.Thread(target=batches) for _ in range(17)]
        for thread in threads:
            thread.start()
        try:
            time.sleep(2)
            return p95() / quiet
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    p95()
    assert compared() <= 3
    assert statuses == {200}
