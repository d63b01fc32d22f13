"""The authorization code flow with PKCE (OpenID Connect Core 1.0, section 3.1; RFC 7636; RFC 9207), by Authlib.

Tokens are fetched by our own client, which follows no redirects, and verified with the same keys and rules as the API's.
"""

import json
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.oauth2.client import OAuth2Client

from liftos.kernel.errors import NotAuthenticated
from liftos.kernel.http.client import NoAnswer, post
from liftos.kernel.tenancy.sign_in.providers import Provider
from liftos.kernel.tenancy.tokens.issuers import secure_url
from liftos.kernel.tenancy.tokens.key_sets import MAX_BYTES, TIMEOUT, IssuerUnavailable, discover
from liftos.kernel.tenancy.tokens.verifying import verify


class SignInFailed(NotAuthenticated):
    """The sign-in failed; start again."""

    code = "tenancy.sign_in_failed"


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that has begun: where the browser goes, and what to remember until it comes back."""

    url: str
    state: str
    nonce: str
    verifier: str


class _Client(OAuth2Client):
    """Authlib's client with our transport."""

    def _fetch_token(
        self, url: str, body: str = "", headers: Any = None, auth: Any = None, **_more: Any
    ) -> Any:
        url, sent, body = auth.prepare("POST", url, dict(headers or {}), body)
        try:
            answer = post(secure_url(url), body.encode(), headers=sent, timeout=TIMEOUT, max_bytes=MAX_BYTES)
            found = json.loads(answer.body)
        except (NoAnswer, ValueError, RecursionError):
            raise IssuerUnavailable from None
        if answer.status >= 500:
            raise IssuerUnavailable
        if not answer.is_success or not isinstance(found, dict):
            raise SignInFailed
        return found


def _client(provider: Provider, redirect_uri: str) -> Any:
    return _Client(
        None,
        client_id=provider.client_id,
        client_secret=provider.client_secret,
        token_endpoint_auth_method=provider.client_auth if provider.client_secret else "none",
        scope=provider.scope,
        redirect_uri=redirect_uri,
        code_challenge_method="S256",
    )


def begin(provider: Provider, *, redirect_uri: str) -> Begun:
    """Return the address at the provider to which the browser goes, with new state, nonce and verifier.

    Raises:
        IssuerUnavailable: the provider does not answer, or its answer is unusable.
    """
    nonce, verifier = generate_token(32), generate_token(64)
    try:
        endpoint = secure_url(str(discover(provider).get("authorization_endpoint")))
    except ValueError:
        raise IssuerUnavailable from None
    url, state = _client(provider, redirect_uri).create_authorization_url(
        endpoint, code_verifier=verifier, nonce=nonce
    )
    return Begun(url, state, nonce, verifier)


def finish(
    provider: Provider, *, redirect_uri: str, asked: dict[str, str], state: str, nonce: str, verifier: str
) -> dict[str, Any]:
    """Return the verified claims of whoever has signed in.

    Args:
        provider: where.
        redirect_uri: as at the beginning.
        asked: the query with which the browser came back.
        state: as remembered.
        nonce: as remembered.
        verifier: as remembered.

    Raises:
        SignInFailed: the answer is not to this sign-in, or not valid, for whatever reason.
        IssuerUnavailable: the provider does not answer.
    """
    if not compare_digest(asked.get("state", "").encode(), state.encode()) or not asked.get("code"):
        raise SignInFailed
    if asked.get("iss", provider.issuer) != provider.issuer:
        raise SignInFailed
    endpoint = str(discover(provider).get("token_endpoint"))
    try:
        answer = _client(provider, redirect_uri).fetch_token(
            endpoint,
            grant_type="authorization_code",
            code=asked["code"],
            code_verifier=verifier,
            redirect_uri=redirect_uri,
        )
    except AuthlibBaseError:
        raise SignInFailed from None
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise SignInFailed
    claims = verify(token, provider, audience=[provider.client_id])
    if not isinstance(claims.get("nonce"), str) or not compare_digest(
        claims["nonce"].encode(), nonce.encode()
    ):
        raise SignInFailed
    # a token for several must say that it was issued to us (section 3.1.3.7)
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else provider.client_id) != provider.client_id:
        raise SignInFailed
    return claims
