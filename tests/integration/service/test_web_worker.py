"""The web server's worker, as gunicorn runs it: threads that stay with a caller, and still serve more callers than there are threads."""

import socket
import subprocess
import sys
import time
from itertools import pairwise

import pytest

from liftos.bench.http_server import free_port

THREADS = 2
APPLICATION = """
import threading
def application(environ, start_response):
    body = f"{environ['PATH_INFO']} {threading.get_ident()}".encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.fixture
def port(tmp_path):
    (tmp_path / "served.py").write_text(APPLICATION)
    port = free_port()
    command = [
        sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", str(THREADS), "--keep-alive", "30",
        "--worker-class", "liftos.embedded.worker.Worker", "--chdir", str(tmp_path), "--pythonpath", str(tmp_path),
        "--no-control-socket", "served:application",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE) as server:
        try:
            wait_for(port)
            yield port
        finally:
            server.terminate()
            server.wait(timeout=20)


def wait_for(port):
    for _ in range(200):
        try:
            connect(port).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not come up")


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def request(path):
    return f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode()


def answer(connection):
    """Return the path and the thread of the next answer."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(1)
    head = received.lower()
    length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    path, thread = body.decode().split()
    return path, thread


def test_a_caller_in_conversation_keeps_its_thread(port):
    with connect(port) as caller:
        threads = []
        for number in range(20):
            caller.sendall(request(f"/{number}"))
            path, thread = answer(caller)
            assert path == f"/{number}"
            threads.append(thread)
    # with two threads to choose from, chance would change at nearly every second request
    assert sum(one != other for one, other in pairwise(threads)) <= 3


def test_requests_sent_together_are_answered_in_order(port):
    with connect(port) as caller:
        caller.sendall(b"".join(request(f"/{number}") for number in range(10)))
        assert [answer(caller)[0] for _ in range(10)] == [f"/{number}" for number in range(10)]


def test_more_callers_than_threads_are_all_served(port):
    callers = [connect(port) for _ in range(5 * THREADS)]
    try:
        for turn in range(10):
            for number, caller in enumerate(callers):
                caller.sendall(request(f"/{number}/{turn}"))
            for number, caller in enumerate(callers):
                assert answer(caller)[0] == f"/{number}/{turn}"
    finally:
        for caller in callers:
            caller.close()


def test_a_caller_that_pauses_or_leaves_holds_no_thread(port):
    waiting = [connect(port) for _ in range(3 * THREADS)]
    for caller in waiting:
        caller.sendall(request("/once"))
        answer(caller)
    for caller in waiting[::2]:
        caller.close()
    with connect(port) as other:
        other.sendall(request("/other"))
        assert answer(other)[0] == "/other"
    time.sleep(0.1)
    for caller in waiting[1::2]:
        caller.sendall(request("/again"))
        assert answer(caller)[0] == "/again"
        caller.close()
