"""The web server under gunicorn: slow and idle callers, streams, ordinary HTTP behaviour."""

import json
import os
import socket
import subprocess
import sys
import time

import pytest

from liftos.bench.http.service import free_port

SERVED = """
import asyncio, json, os, sys, time
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "liftos.settings")
import django
django.setup()
from liftos.kernel.precedence import give_way
from liftos.runtime.web.bridge import Bridge

def pauses_of_a_second():
    end, pauses = time.monotonic() + 1, []
    while (began := time.monotonic()) < end:
        give_way()
        pauses.append(time.monotonic() - began)
        worked = time.thread_time() + 0.002
        while time.thread_time() < worked:
            pass
    return {"pauses": sum(pause > 0.005 for pause in pauses), "switch": sys.getswitchinterval()}

class Answer(list):
    streaming = False
    def close(self): pass

class Stream(Answer):
    streaming = True

def wsgi(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/slow":
        time.sleep(3)
    if path == "/brief":
        time.sleep(0.01)
    if path == "/api/v1/search/batch":
        start_response("200 OK", [])
        return Answer([json.dumps(pauses_of_a_second()).encode()])
    if path == "/fail":
        raise RuntimeError("secret")
    if path == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Stream([b"one ", b"two ", b"three"])
    if path == "/late-failure":
        start_response("200 OK", [("Content-Type", "text/plain")])
        def chunks():
            yield b"one "
            raise RuntimeError("secret")
        class Failing:
            streaming = True
            def __iter__(self): return chunks()
            def close(self): pass
        return Failing()
    told = f"{path} {len(environ['wsgi.input'].read())} {environ.get('HTTP_X_ORG_ID', '')}".encode()
    start_response("200 OK", [("Content-Length", str(len(told)))])
    return Answer([told])

async def events(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for number in range(3):
        await send({"type": "http.response.body", "body": f"data: {number}\\n\\n".encode(), "more_body": True})
        await asyncio.sleep(0.05)
    await send({"type": "http.response.body", "body": b""})

application = Bridge(wsgi, mounts={"/events": events})
"""


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    directory = tmp_path_factory.mktemp("served")
    (directory / "served.py").write_text(SERVED)
    port = free_port()
    command = [
        sys.executable, "-m", "gunicorn", "-c", "python:liftos.runtime.web.gunicorn_conf", "--bind", f"127.0.0.1:{port}",
        "--pythonpath", str(directory), "served:application",
    ]  # fmt: skip
    limits = {
        "LIFTOS_HEADER_SECONDS": "1", "LIFTOS_BODY_SECONDS": "1", "LIFTOS_WEB_THREADS": "2", "LIFTOS_WEB_SHARE": "1",
        "LIFTOS_CONNECTIONS_PER_ADDRESS": "700", "LIFTOS_METRICS_SECONDS": "0",
    }  # fmt: skip
    with (
        (directory / "log").open("wb") as log,
        subprocess.Popen(command, env=os.environ | limits, stdout=log, stderr=log) as server,
    ):
        try:
            wait_for(port)
            yield port
        finally:
            server.terminate()
            server.wait(timeout=20)


def wait_for(port):
    for _ in range(300):
        try:
            connect(port).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not come up")


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def request(path, *headers, body=b""):
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def answer(connection):
    """Return the status, the headers and the body of the next answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(1)
        if not chunk:
            raise ConnectionError(received)
        received += chunk
    status, *lines = received.decode().strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = b""
    if headers.get("transfer-encoding") == "chunked":
        with connection.makefile("rb") as source:
            while size := int(source.readline(), 16):
                body += source.read(size)
                source.readline()
            source.readline()
    else:
        length = int(headers.get("content-length", 0))
        while len(body) < length:
            body += connection.recv(length - len(body))
    return int(status.split()[1]), headers, body


def ask(port, *parts, **more):
    with connect(port) as connection:
        connection.sendall(request(*parts, **more))
        return answer(connection)


def test_pipelined_requests_are_answered_in_order(port):
    with connect(port) as caller:
        caller.sendall(b"".join(request(f"/{number}") for number in range(10)))
        assert [answer(caller)[2].split()[0] for _ in range(10)] == [b"/%d" % number for number in range(10)]


def test_a_chunked_body_arrives_whole(port):
    with connect(port) as caller:
        caller.sendall(
            b"POST /chunked HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )
        assert answer(caller)[2] == b"/chunked 5 "


def test_repeated_header_is_visible(port):
    assert ask(port, "/x", "x-org-id: acme", "x-org-id: other", "x_org_id: third")[2] == b"/x 0 acme,other"


def test_a_stream_is_sent_piece_by_piece(port):
    status, headers, body = ask(port, "/stream")
    assert (status, headers["transfer-encoding"], body) == (200, "chunked", b"one two three")


def test_an_asgi_application_serves_its_path(port):
    status, headers, body = ask(port, "/events/all")
    assert (status, headers["content-type"]) == (200, "text/event-stream")
    assert body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


def test_failure_outside_django_hides_its_text(port):
    status, _, body = ask(port, "/fail")
    assert (status, json.loads(body)["code"]) == (500, "liftos.internal")
    assert b"secret" not in body


def test_a_failure_in_the_middle_of_a_stream_breaks_it_off(port):
    with connect(port) as caller:
        caller.sendall(request("/late-failure"))
        received = b""
        while chunk := caller.recv(65536):
            received += chunk
    assert received.startswith(b"HTTP/1.1 200")
    assert not received.endswith(b"0\r\n\r\n")


def test_malformed_request_is_refused_in_json(port):
    with connect(port) as caller:
        caller.sendall(b"RUBBISH\r\n\r\n")
        status, headers, body = answer(caller)
    assert (status, headers["content-type"]) == (400, "application/problem+json")
    assert json.loads(body)["code"] == "liftos.unreadable_request"


@pytest.mark.parametrize("half", [b"POST /x HTTP/1.1\r\nHost: lo", b"P"])
def test_incomplete_header_times_out(port, half):
    with connect(port) as caller:
        caller.sendall(half)
        began = time.monotonic()
        assert answer(caller)[0] == 408
        assert caller.recv(1) == b""
    assert time.monotonic() - began > 0.5


def test_slow_header_times_out(port):
    with connect(port) as caller, pytest.raises((BrokenPipeError, ConnectionResetError)):
        for letter in b"POST /x HTTP/1.1\r\nHost: localhost\r\n" + b"x" * 1000:
            caller.sendall(bytes([letter]))
            time.sleep(0.1)


@pytest.mark.parametrize(
    "half",
    [
        request("/x", body=b"ab")[:-1],
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
    ],
)
def test_incomplete_body_times_out(port, half):
    with connect(port) as caller:
        caller.sendall(half)
        status, _, body = answer(caller)
        assert (status, json.loads(body)["code"]) == (408, "liftos.request_timeout")


def test_slow_and_idle_callers_block_nobody(port):
    silent = [connect(port) for _ in range(500)]
    halves = [connect(port) for _ in range(60)]
    try:
        for number, caller in enumerate(halves):
            caller.sendall([b"GET /x HT", request("/x", body=b"ab")[:-1]][number % 2])
        for number in range(20):
            assert ask(port, f"/{number}")[0] == 200
        idle = silent[250]
        idle.sendall(request("/still-here"))
        assert answer(idle)[2] == b"/still-here 0 "
    finally:
        for caller in silent + halves:
            caller.close()


def test_probes_are_answered_while_every_thread_is_taken(port):
    busy = [connect(port) for _ in range(4)]
    try:
        for caller in busy:
            caller.sendall(request("/slow"))
        time.sleep(0.3)
        began = time.monotonic()
        assert ask(port, "/ready")[0] == 200
        assert time.monotonic() - began < 2
        assert [answer(caller)[0] for caller in busy] == [200] * 4
    finally:
        for caller in busy:
            caller.close()


def test_connections_from_one_address_are_bounded(port):
    many = []
    try:
        many += (connect(port) for _ in range(700))
        one_too_many = connect(port)
        many.append(one_too_many)
        one_too_many.sendall(request("/x"))
        status, headers, _ = answer(one_too_many)
        assert (status, "retry-after" in headers) == (429, True)
    finally:
        for caller in many:
            caller.close()
    for _ in range(50):
        if ask(port, "/after")[0] == 200:
            return
        time.sleep(0.1)
    raise AssertionError("closed connections are still counted")


def costly(port, meanwhile):
    """Return what a costly request tells of its pauses, with something done while it works."""
    with connect(port) as connection:
        connection.sendall(request("/api/v1/search/batch"))
        end = time.monotonic() + 0.8
        while time.monotonic() < end:
            meanwhile()
        status, _, body = answer(connection)
    assert status == 200
    return json.loads(body)


def test_a_costly_request_pauses_while_small_ones_run(port):
    def small():
        with connect(port) as connection:
            connection.sendall(request("/brief"))
            assert answer(connection)[0] == 200

    assert costly(port, small)["pauses"] >= 5


def test_a_costly_request_alone_does_not_pause(port):
    told = costly(port, lambda: time.sleep(0.1))
    assert told["pauses"] <= 2  # the machine's, not ours
    assert told["switch"] == pytest.approx(0.0001)


def test_costly_requests_do_not_wait_for_one_that_takes_long(port):
    with connect(port) as connection:
        connection.sendall(request("/slow"))
        time.sleep(0.2)
        assert costly(port, lambda: time.sleep(0.1))["pauses"] <= 2
        assert answer(connection)[0] == 200
