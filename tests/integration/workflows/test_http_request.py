"""`http.request` against servers on this machine."""

import datetime
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.checks import run_checks

from liftos.kernel.functions import Call, get_function
from liftos.kernel.http.parsing import InvalidRequest
from liftos.kernel.outbound import AllowedHosts, OutboundRefused, OutboundUnavailable, send
from liftos.kernel.outbound.client import MAX_ANSWER_BYTES
from liftos.kernel.tenancy.types import ALL_SCOPES, SYSTEM, Principal

pytestmark = pytest.mark.enable_socket


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        self.server.answer(self)

    do_POST = do_PUT = do_HEAD = do_GET  # noqa: N815  http.server's names

    def log_message(self, *_args):
        pass


def answering(status=200, headers=None, body=b""):
    def answer(handler):
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        made.daemon_threads, made.requests, made.answer = True, [], answering(body=b"hello")
        made.url = f"http://127.0.0.1:{made.server_port}"
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def call(server, settings):
    settings.LIFTOS_HTTP_PRIVATE_HOSTS = [f"127.0.0.1:{server.server_port}"]

    def run(seconds=20.0, **arguments):
        function = get_function("http.request")
        principal = Principal(UUID(int=1), "solo", SYSTEM, ALL_SCOPES)
        given = function.parse({"url": f"{server.url}/x?y=1"} | arguments)
        return function.call(Call(principal, "run-1/step", time.monotonic() + seconds), given)

    return run


def test_an_answer_in_json_is_read(call, server):
    server.answer = answering(
        201,
        {"Content-Type": "application/json; charset=utf-8", "ETag": "a", "Set-Cookie": "s=1"},
        b'{"a": [1]}',
    )
    result = call(
        method="POST",
        json={"tag": "ü", "n": 1.5},
        headers={"Authorization": "Bearer k", "accept": "text/csv"},
    )
    assert result == {
        "status": 201,
        "headers": {"content-type": "application/json; charset=utf-8", "etag": "a"},
        "bytes": 10,
        "json": {"a": [1]},
    }
    ((method, path, headers, body),) = server.requests
    assert (method, path, json.loads(body)) == ("POST", "/x?y=1", {"tag": "ü", "n": 1.5})
    assert headers["Content-Type"] == "application/json"
    assert headers["Authorization"] == "Bearer k"
    assert headers["accept"] == "text/csv"
    assert "Accept" not in headers
    assert headers["Host"] == f"127.0.0.1:{server.server_port}"


def test_every_attempt_carries_the_same_key(call, server):
    for _ in range(2):
        call(method="POST", text="hi")
    assert [headers["Idempotency-Key"] for _, _, headers, _ in server.requests] == ["run-1/step"] * 2
    assert server.requests[0][2]["Content-Type"] == "text/plain; charset=utf-8"


def test_text_is_read_and_what_cannot_be_kept_is_replaced(call, server):
    server.answer = answering(200, {"Content-Type": "text/plain"}, b"a\x00\xffb")
    assert call()["text"] == "a\ufffd\ufffdb"


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 507, 520])
def test_transient_status_is_retried_by_the_step(call, server, status):
    server.answer = answering(status)
    with pytest.raises(OutboundUnavailable, match=str(status)):
        call()
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410, 501])
def test_permanent_status_fails_the_step(call, server, status):
    server.answer = answering(status, {"Location": "http://169.254.169.254/latest/meta-data"})
    with pytest.raises(OutboundRefused, match=str(status)):
        call()
    assert len(server.requests) == 1


def test_accepted_status_is_not_a_failure(call, server):
    server.answer = answering(404, {"Location": "/there"})
    assert call(accept_status=[200, 404])["status"] == 404
    with pytest.raises(OutboundRefused):
        call(accept_status=[200])


def test_a_redirect_is_not_followed(call, server):
    server.answer = answering(302, {"Location": f"{server.url}/elsewhere"})
    assert call(accept_status=[302])["headers"] == {"location": f"{server.url}/elsewhere"}
    assert len(server.requests) == 1


@pytest.mark.parametrize("length", [True, False])
def test_oversized_answer_is_aborted(call, server, length):
    def endless(handler):
        handler.send_response(200)
        if length:
            handler.send_header("Content-Length", str(10**9))
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65_536)
        except OSError:
            server.broken_off = True

    server.answer = endless
    with pytest.raises(OutboundRefused, match=str(MAX_ANSWER_BYTES)):
        call()


def test_slow_answer_ends_at_the_deadline(call, server):
    stop = threading.Event()

    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        try:
            while not stop.wait(0.05):
                handler.wfile.write(b"x")
                handler.wfile.flush()
        except OSError:
            return

    server.answer = drip
    try:
        with pytest.raises(OutboundUnavailable, match="timed out"):
            call(seconds=0.4)
        with pytest.raises(OutboundUnavailable, match="timed out"):
            call(timeout_seconds=0.4)
    finally:
        stop.set()


def test_non_http_or_unreachable_server_is_reported(call, server):
    server.answer = lambda handler: handler.wfile.write(b"SSH-2.0-x\r\n\r\n")
    with pytest.raises(OutboundUnavailable, match="not send a valid HTTP response"):
        call()
    server.answer = answering(200, {"Content-Type": "application/json"}, b"{no")
    with pytest.raises(OutboundRefused, match="JSON"):
        call()
    server.answer = answering(200, {"Content-Encoding": "gzip"}, b"x")
    with pytest.raises(OutboundRefused, match="compressed"):
        call()


def test_nobody_there(settings, call):
    settings.LIFTOS_HTTP_PRIVATE_HOSTS = ["127.0.0.1:9"]
    with pytest.raises(OutboundUnavailable, match="connection failed"):
        call(url="http://127.0.0.1:9/")


def test_hosts_are_denied_by_default(settings, call, server):
    settings.LIFTOS_HTTP_PRIVATE_HOSTS = []
    with pytest.raises(OutboundRefused, match="LIFTOS_HTTP_ALLOWED_HOSTS"):
        call()
    settings.LIFTOS_HTTP_ALLOWED_HOSTS = [f"127.0.0.1:{server.server_port}"]
    with pytest.raises(OutboundRefused, match="address"):
        call()
    assert server.requests == []


@pytest.mark.parametrize(
    "arguments",
    [
        {"method": "TRACE"},
        {"method": "GET", "text": "x"},
        {"method": "POST", "text": "x", "json": 1},
        {"headers": {"Host": "elsewhere"}},
        {"headers": {"idempotency-key": "mine"}},
        {"headers": {"X": "a\r\nY: b"}},
        {"headers": {"X Y": "a"}},
        {"headers": {"X": "ä"}},
        {"timeout_seconds": 0},
        {"accept_status": [99]},
        {"colour": 1},
    ],
)
def test_a_request_that_cannot_be_sent_is_refused(call, server, arguments):
    with pytest.raises(InvalidRequest):
        call(**arguments)
    assert server.requests == []


def certificate(name, folder):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "cert.pem"
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + pem)
    return path


def test_the_checked_address_is_connected_to_and_the_certificate_is_of_the_name(server, tmp_path):
    """The name is resolved once; a second, different answer is never used."""
    path = certificate("service.test", tmp_path)
    here = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    here.load_cert_chain(path)
    server.socket = here.wrap_socket(server.socket, server_side=True)
    trusting = ssl.create_default_context(cafile=str(path))
    answers = [["127.0.0.1"], ["10.0.0.1"]]
    asked = {
        "headers": {},
        "body": None,
        "allowed": AllowedHosts(private=[f".test:{server.server_port}"]),
        "deadline": time.monotonic() + 20,
        "tls": trusting,
    }
    answer = send(
        "GET", f"https://service.test:{server.server_port}/", resolve=lambda *_: answers.pop(0), **asked
    )
    assert (answer.status, answer.body) == (200, b"hello")
    assert len(answers) == 1
    assert server.requests[0][2]["Host"] == f"service.test:{server.server_port}"
    with pytest.raises(OutboundUnavailable):
        send("GET", f"https://other.test:{server.server_port}/", resolve=lambda *_: ["127.0.0.1"], **asked)


def test_invalid_host_setting_fails_the_check(settings):
    settings.LIFTOS_HTTP_ALLOWED_HOSTS = ["https://api.example.com"]
    assert [each.id for each in run_checks(tags=["workflows"])] == ["workflows.E001"]
