"""The client for services that the operator names: limits of time and size, redirects, and errors that tell no secret."""

import re
import socket
import threading
import time

import pytest

from liftos.kernel.http.client import NoAnswer, post

pytestmark = pytest.mark.enable_socket


@pytest.fixture
def serve():
    """Answer each connection with prepared bytes, a pause before each of them; keep what was sent."""
    threads, listener = [], socket.create_server(("127.0.0.1", 0))
    requests = []

    def start(*parts, pause=0.0):
        def answer():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    requests.append(whole_request(connection))
                    try:
                        for part in parts:
                            time.sleep(pause)
                            connection.sendall(part)
                    except OSError:
                        pass  # the client has gone, as some tests want

        threads.append(threading.Thread(target=answer, daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}/add"

    start.requests = requests
    yield start
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in threads:
        thread.join(10)


def whole_request(connection):
    """Read a request with its body, however many packets bring it."""
    text = connection.recv(65_536)
    while b"\r\n\r\n" not in text:
        text += connection.recv(65_536)
    headers, _, body = text.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", headers.lower())
    while length and len(body) < int(length[1]):
        body += connection.recv(65_536)
    return headers + b"\r\n\r\n" + body


def head(status, length, *more):
    return "\r\n".join([f"HTTP/1.1 {status} X", f"Content-Length: {length}", *more, "", ""]).encode()


def test_the_answer_comes_whatever_its_status(serve):
    url = serve(head(503, 5, "Retry-After: 7"), b"later")
    answer = post(url, b"body", headers={"Content-Type": "text/plain", "X-Token": "t"}, timeout=5)
    assert (answer.status, answer.is_success, answer.headers["retry-after"], answer.body) == (503, False, "7", b"later")  # fmt: skip
    (sent,) = serve.requests
    assert sent.startswith(b"POST /add HTTP/1.1\r\n")
    assert sent.endswith(b"\r\n\r\nbody")
    assert b"x-token: t\r\n" in sent.lower()
    assert b"accept-encoding: identity\r\n" in sent.lower()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(serve, status):
    url = serve(head(status, 0, "Location: /elsewhere"))
    assert post(url, b"", headers={"Authorization": "Bearer hush"}, timeout=5).status == status
    assert len(serve.requests) == 1


def test_a_compressed_answer_is_left_as_it_is(serve):
    url = serve(head(200, 4, "Content-Encoding: gzip"), b"bomb")
    assert post(url, b"", headers={}, timeout=5).body == b"bomb"


def test_an_answer_of_the_most_bytes_is_taken_and_a_larger_one_is_not(serve):
    url = serve(head(200, 100), b"x" * 100)
    assert post(url, b"", headers={}, timeout=5, max_bytes=100).body == b"x" * 100
    with pytest.raises(NoAnswer, match=r"^TooLarge$"):
        post(url, b"", headers={}, timeout=5, max_bytes=99)


def test_an_answer_that_trickles_in_is_given_up(serve):
    url = serve(head(200, 100), *[b"x"] * 100, pause=0.1)
    begun = time.monotonic()
    with pytest.raises(NoAnswer, match="Timeout"):
        post(url, b"", headers={}, timeout=0.5)
    assert time.monotonic() - begun < 5


def test_no_answer_at_all_is_given_up(serve):
    url = serve(head(200, 0), pause=3)
    with pytest.raises(NoAnswer, match=r"^ReadTimeout$"):
        post(url, b"", headers={}, timeout=0.3)


@pytest.mark.parametrize("parts", [[b"no http\r\n\r\n"], [b""], [head(200, 10), b"half"]])
def test_what_is_no_whole_answer_is_none(serve, parts):
    with pytest.raises(NoAnswer, match=r"^RemoteProtocolError$"):
        post(serve(*parts), b"", headers={}, timeout=5)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://127.0.0.1:1/hush", {}),
        ("http://[hush", {}),
        ("http://127.0.0.1:1/", {"Authorization": "Bearer hush\r\nX: y"}),
        ("http://127.0.0.1:1/", {"Authorization": "Bearer hush\u1234"}),
    ],
)
def test_an_error_tells_neither_address_nor_header(url, headers):
    with pytest.raises(NoAnswer) as caught:
        post(url, b"", headers=headers, timeout=1)
    assert "hush" not in str(caught.value)
    assert str(caught.value).isalpha()
