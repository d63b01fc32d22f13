"""Checkpoints are posted over http(s) only."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from accountability.checks import checkpoint_url_is_http
from accountability.ledger.publishing import Undelivered, destinations
from liftos.kernel.http import client


@pytest.mark.parametrize("url", ["", "http://log.example/add", "https://log.example/add"])
def test_a_usable_address_passes_the_check(settings, url):
    settings.LIFTOS_CHECKPOINT_URL = url
    assert checkpoint_url_is_http(None) == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://log.example", "log.example"])
def test_other_addresses_fail_the_check_and_are_never_opened(settings, monkeypatch, url):
    settings.LIFTOS_CHECKPOINT_URL = url
    opened = []
    monkeypatch.setattr(client, "post", lambda *asked, **options: opened.append(asked))
    assert [problem.id for problem in checkpoint_url_is_http(None)] == ["liftos.E003"]
    with pytest.raises(Undelivered, match="not http"):
        destinations()["url"]("checkpoint")
    assert opened == []


def test_checkpoint_is_posted_verbatim(settings):
    got: list[tuple[str, bytes]] = []

    class Witness(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Witness) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        settings.LIFTOS_CHECKPOINT_URL = f"http://127.0.0.1:{server.server_port}/add"
        destinations()["url"]("origin\n1\nroot\n\n— key sig\n")
        thread.join()
    assert got == [("/add", "origin\n1\nroot\n\n— key sig\n".encode())]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_any_status_but_2xx_is_no_delivery(settings, status):
    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(status)
            self.send_header("Location", "/somewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        settings.LIFTOS_CHECKPOINT_URL = f"http://127.0.0.1:{server.server_port}/add"
        with pytest.raises(Undelivered, match=f"status {status}"):
            destinations()["url"]("checkpoint")
        thread.join()
