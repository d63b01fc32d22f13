import base64
import socket
import threading

import pytest

from liftos.bench.http.client import Broken, Spec, request_bytes, run

ANSWERS = {
    "/plain": [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain"],
    "/empty": [b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"],
    # an answer may arrive in any pieces
    "/pieces": [b"HTTP/1.1 200 OK\r\nContent-Le", b"ngth: 6\r\n\r", b"\npie", b"ces"],
    "/chunked": [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nchu\r",
        b"\n4;x=y\r\nnked\r\n0\r\n\r\n",
    ],
    "/refused": [b"HTTP/1.1 422 Unprocessable\r\nContent-Length: 3\r\n\r\nwhy"],
    "/endless": [b"HTTP/1.1 200 OK\r\n\r\n"],
}


class Server:
    """Answers by path, counting requests per connection."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.connections = self.requests = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while head := connection.recv(65536):
                self.requests += 1
                for piece in ANSWERS.get(head.split(b" ")[1].decode(), []):
                    connection.sendall(piece)
                if head.startswith(b"GET /hang-up"):
                    return


@pytest.fixture
def server():
    server = Server()
    yield server
    server.listener.close()


def spec(server, *paths, in_flight=1, count=1, seconds=30.0, keep=True):
    requests = [request_bytes("GET", path, host="127.0.0.1") for path in paths]
    return Spec("127.0.0.1", server.port, requests, in_flight, count, seconds, keep)


def test_answers_of_every_form_are_read_whole(server):
    load = run(spec(server, "/plain", "/pieces", "/chunked", "/empty", count=8))
    assert load.bodies == {"0": "plain", "1": "pieces", "2": "chunked", "3": ""}
    assert load.statuses == {"200": 6, "204": 2}
    assert len(load.times_ms) == 8
    assert load.failure == ""
    assert (server.connections, server.requests) == (1, 8)


def test_as_many_connections_as_requests_in_flight(server):
    load = run(spec(server, "/plain", in_flight=4, count=50, keep=False))
    assert (server.connections, server.requests) == (4, 50)
    assert load.bodies == {}


def test_never_more_connections_than_requests(server):
    run(spec(server, "/plain", in_flight=16, count=3))
    assert (server.connections, server.requests) == (3, 3)


def test_no_request_is_sent_after_the_deadline(server):
    load = run(spec(server, "/plain", in_flight=2, count=1_000, seconds=0.0))
    assert len(load.times_ms) == 2


def test_first_failure_is_reported(server):
    load = run(spec(server, "/plain", "/refused", count=4))
    assert load.statuses == {"200": 2, "422": 2}
    assert load.failure == "422 why"


@pytest.mark.parametrize(
    ("path", "why"), [("/hang-up", "closed a connection"), ("/endless", "without a length")]
)
def test_what_is_not_http_is_an_error(server, path, why):
    with pytest.raises(Broken, match=why):
        run(spec(server, path))


def test_request_bytes_are_sent_verbatim():
    made = request_bytes("POST", "/x", host="h", headers={"A": "b"}, body=b"{}")
    assert base64.b64decode(made) == b"POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nA: b\r\n\r\n{}"
