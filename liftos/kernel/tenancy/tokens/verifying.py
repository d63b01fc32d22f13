"""Verification of tokens (RFC 7519, RFC 8725): signature, issuer, audience, times."""

from collections.abc import Iterable
from typing import Any

import jwt

from liftos.kernel.errors import NotAuthenticated
from liftos.kernel.tenancy.tokens.issuers import Issuer, issuers
from liftos.kernel.tenancy.tokens.key_sets import keys_of

MAX_TOKEN = 16 * 1024
MAX_SUBJECT = 255
_TYPES = {"", "jwt", "at+jwt", "application/at+jwt"}
_KEY_TYPES = {"R": "RSA", "P": "RSA", "ES": "EC", "Ed": "OKP"}
_OPTIONS: Any = {
    "require": ["exp", "iat", "iss", "aud", "sub"],
    "enforce_minimum_key_length": True,
}


class InvalidToken(NotAuthenticated):
    """The token is not valid."""

    code = "tenancy.invalid_token"


def looks_like_token(credential: str) -> bool:
    """Return whether a credential has the form of a signed JWT."""
    return credential.count(".") == 2 and credential.startswith("ey")


def issuer_of(token: str) -> Issuer:
    """Return the configured issuer that a token claims to come from; nothing is verified yet.

    Raises:
        InvalidToken: none, or not a token.
    """
    if len(token) > MAX_TOKEN:
        raise InvalidToken
    try:
        claimed = jwt.decode(token, options={"verify_signature": False}).get("iss")
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        raise InvalidToken from None
    for each in issuers().values():
        if each.issuer == claimed:
            return each
    raise InvalidToken


def verify(token: str, issuer: Issuer, *, audience: Iterable[str]) -> dict[str, Any]:
    """Return the claims of a token.

    Args:
        token: in compact form.
        issuer: that it must come from.
        audience: one of which it must be meant for.

    Raises:
        InvalidToken: for whatever reason.
        IssuerUnavailable: the issuer's keys are not known.
    """
    wanted = list(audience)
    if not wanted or len(token) > MAX_TOKEN:
        raise InvalidToken
    try:
        header = jwt.get_unverified_header(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if (
            algorithm not in issuer.algorithms
            or "crit" in header
            or str(header.get("typ") or "").lower() not in _TYPES
        ):
            raise InvalidToken
        fitting = [each for each in keys_of(issuer, kid) if _fits(each, algorithm)]
        if len(fitting) != 1:  # without an id, a key must be the only one
            raise InvalidToken
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(fitting[0], algorithm),
            algorithms=[algorithm],
            audience=wanted,
            issuer=issuer.issuer,
            leeway=issuer.leeway,
            options=_OPTIONS,
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        raise InvalidToken from None
    if not 0 < len(claims["sub"]) <= MAX_SUBJECT or "\x00" in claims["sub"]:
        raise InvalidToken
    return claims


def _fits(key: dict[str, Any], algorithm: str) -> bool:
    kind = next(kind for start, kind in _KEY_TYPES.items() if algorithm.startswith(start))
    return (
        key.get("kty") == kind
        and key.get("alg") in (None, algorithm)
        and key.get("use") in (None, "sig")
        # EdDSA is only Ed25519 here, and each ES… has its own curve, which the library checks
        and (kind != "OKP" or key.get("crv") == "Ed25519")
    )
