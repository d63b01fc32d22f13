"""A small issuer of tokens on loopback: discovery, key set, signatures."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

AUDIENCE = "liftos"


class Issuer:
    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.asked: list[str] = []
        self.down = False
        self.rotate("first")

    def rotate(self, kid: str) -> None:
        self.kid, self.keys = kid, {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    def claims(self, **claims: Any) -> dict[str, Any]:
        now = int(time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 60}
        return {name: value for name, value in (usual | claims).items() if value is not None}

    def token(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        named = {"kid": self.kid} | (headers or {})
        return jwt.encode(self.claims(**claims), self.keys[self.kid], algorithm="RS256", headers=named)

    def answer(self, path: str) -> Any:
        self.asked.append(path)
        if self.down:
            return None
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        if path == "/keys":
            algorithm = jwt.get_algorithm_by_name("RS256")
            return {
                "keys": [
                    algorithm.to_jwk(key.public_key(), as_dict=True)
                    | {"kid": kid, "use": "sig", "alg": "RS256"}
                    for kid, key in self.keys.items()
                ]
            }
        return None


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = issuer.answer(self.path)
            body = json.dumps(found).encode()
            self.send_response(503 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = Issuer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
