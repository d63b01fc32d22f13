"""A small issuer of tokens on loopback: discovery, key set, signatures."""

import json
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from secrets import token_urlsafe
from time import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.factories.callers import Caller

AUDIENCE = "liftos"


class Issuer:
    def __init__(self, url: str) -> None:
        self.url = url
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.asked: list[str] = []
        self.down = False
        # of the authorization code flow: what the next ID token says, and what was asked for by each code
        self.client_id, self.client_secret = "admin", "very secret"
        self.says: dict[str, Any] = {}
        self.codes: dict[str, dict[str, str]] = {}
        self.exchanges: list[dict[str, str]] = []
        self.forge: Callable[[dict[str, Any]], str] | None = None
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
            return {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
            }
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

    def authorize(self, path: str) -> str:
        """Return where the browser goes after signing in."""
        asked = dict(parse_qsl(urlsplit(path).query))
        code = token_urlsafe(16)
        self.codes[code] = asked
        return (
            f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.url})}"
        )

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Return status and answer of the token endpoint: codes count once, for their client, with their verifier."""
        self.exchanges.append(form)
        asked = self.codes.pop(form.get("code", ""), None)
        basic = b64encode(f"{self.client_id}:{self.client_secret}".encode()).decode()
        verifier = sha256(form.get("code_verifier", "").encode()).digest()
        if authorization != f"Basic {basic}":
            return 401, {"error": "invalid_client"}
        if (
            asked is None
            or asked["redirect_uri"] != form.get("redirect_uri")
            or asked["code_challenge"] != urlsafe_b64encode(verifier).decode().rstrip("=")
            or asked["code_challenge_method"] != "S256"
        ):
            return 400, {"error": "invalid_grant"}
        claims = {"aud": self.client_id, "nonce": asked["nonce"]} | self.says
        token = self.forge(self.claims(**claims)) if self.forge else self.token(**claims)
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}


@contextmanager
def running_issuer() -> Iterator[Issuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/authorize?"):
                self.send_response(302)
                self.send_header("Location", issuer.authorize(self.path))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            found = issuer.answer(self.path)
            body = json.dumps(found).encode()
            self.send_response(503 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
            status, found = issuer.exchange(dict(parse_qsl(sent)), self.headers.get("Authorization", ""))
            body = json.dumps(found).encode()
            self.send_response(status)
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


def holding(caller: Caller, token: str) -> Caller:
    """Return a caller that sends a token in place of its key."""
    return replace(caller, token=token)
