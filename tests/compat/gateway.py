"""A stand-in for the old API gateway: checks the caller's JWT, adds the context headers, forwards everything else as it came.

As the original does: the caller's `Authorization` goes along, the gateway's headers stand beside whatever the caller sent under
the same names, and only `/memory/...` is for this service.
"""

import base64
import hashlib
import hmac
import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

SECRET = "of the gateway alone"
PREFIX = "/memory"
LEFT_OUT = {"host", "connection", "upgrade"}


def make_token(org: str, *, user: str = "u1", secret: str = SECRET, seconds: int = 3_600) -> str:
    """Return a JWT (RFC 7519, HS256) with the claims of the original's auth service."""
    now = int(time.time())
    claims = {
        "sub": user,
        "org_id": org,
        "email": f"{user}@example.com",
        "roles": [],
        "permissions": [],
        "memory_context": f"org_{org}_context",
        "subscription_tier": "free",
        "exp": now + seconds,
        "iat": now,
    }
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    return f"{signed}.{_signature(signed, secret)}"


def read_token(token: str) -> dict[str, Any] | None:
    """Return the claims of an unexpired token signed by the gateway."""
    signed, _, signature = token.rpartition(".")
    if not signed or not hmac.compare_digest(signature, _signature(signed, SECRET)):
        return None
    middle = signed.partition(".")[2]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return claims if claims["exp"] > time.time() else None


@contextmanager
def gateway(product: str) -> Iterator[str]:
    """Serve on a free port of 127.0.0.1 for a block; yield the address under which the product's routes are."""
    target = urlsplit(product)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            scheme, _, token = self.headers.get("authorization", "").partition(" ")
            claims = read_token(token) if scheme.lower() == "bearer" else None
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if claims is None:
                self._answer(401, [], b'{"detail":"Authentication required"}')
                return
            if not self.path.startswith(f"{PREFIX}/"):
                self._answer(404, [], b'{"detail":"Not Found"}')
                return
            headers = [(name, value) for name, value in self.headers.items() if name.lower() not in LEFT_OUT]
            headers += [
                ("X-User-ID", claims["sub"]),
                ("X-Org-ID", claims["org_id"]),
                ("X-Memory-Context", claims["memory_context"]),
                ("X-User-Roles", ",".join(claims["roles"])),
            ]
            connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
            try:
                connection.putrequest(self.command, self.path.removeprefix(PREFIX))
                for name, value in headers:
                    connection.putheader(name, value)
                connection.endheaders(body or None)
                response = connection.getresponse()
                self._answer(response.status, response.getheaders(), response.read())
            finally:
                connection.close()

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = forward  # noqa: N815  the server's names

        def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in {
                    "content-length",
                    "transfer-encoding",
                    "connection",
                    "server",
                    "date",
                }:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _part(value: Any) -> str:
    return _encode(json.dumps(value).encode())


def _signature(signed: str, secret: str) -> str:
    return _encode(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
