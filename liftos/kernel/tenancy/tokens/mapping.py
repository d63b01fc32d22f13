"""Maps a verified token's claims to a holder. Pure, but for the issuer's configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from liftos.kernel.errors import PermissionDenied
from liftos.kernel.tenancy.tokens.issuers import Issuer, scopes_of
from liftos.kernel.tenancy.types import PrincipalKind, Scope

MAX_NAME = 200
MAX_VALUES = 500


class TokenNotMapped(PermissionDenied):
    """The token is valid, but its claims give no access here."""

    code = "tenancy.token_not_mapped"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a token speaks for.

    Attributes:
        issuer: its URL.
        subject: `sub`, unique for the issuer.
        issued_at: seconds since 1970.
        organisations: slugs or ids.
        name: of the principal.
        kind: of the principal.
        groups: names; None if the issuer says nothing about groups.
        scopes: rights.
    """

    issuer: str
    subject: str
    issued_at: int
    organisations: tuple[str, ...]
    name: str
    kind: PrincipalKind
    groups: tuple[str, ...] | None
    scopes: frozenset[Scope]


def holder_of(claims: Mapping[str, Any], issuer: Issuer) -> Holder:
    """Return whom a token speaks for.

    Raises:
        TokenNotMapped: a claim that is needed is missing or malformed; the message names it.
    """
    organisations = (
        (issuer.organisation,) if issuer.organisation else _texts(claims, issuer.organisation_claim or "")
    )
    if not organisations:
        raise TokenNotMapped(f"The token's claim {issuer.organisation_claim!r} names no organisation.")
    names = _texts(claims, issuer.principal_claim)
    if len(names) != 1:
        raise TokenNotMapped(f"The token's claim {issuer.principal_claim!r} must be one name.")
    granted = [issuer.rights[each] for each in rights_of(claims, issuer) if each in issuer.rights] or [
        issuer.default_rights
    ]
    return Holder(
        issuer=issuer.issuer,
        subject=claims["sub"],
        issued_at=int(claims["iat"]),
        organisations=organisations,
        name=names[0],
        kind=_kind(claims, issuer),
        groups=_texts(claims, issuer.groups_claim) if issuer.groups_claim else None,
        scopes=frozenset[Scope]().union(*map(scopes_of, granted)),
    )


def _kind(claims: Mapping[str, Any], issuer: Issuer) -> PrincipalKind:
    given = _texts(claims, issuer.kind_claim) if issuer.kind_claim else ()
    if not given:
        return issuer.kind
    if given[0] not in set(PrincipalKind):
        raise TokenNotMapped(f"The token's claim {issuer.kind_claim!r} must be person, agent or service.")
    return PrincipalKind(given[0])


def rights_of(claims: Mapping[str, Any], issuer: Issuer) -> list[str]:
    """Return the values of the rights claim.

    Raises:
        TokenNotMapped: it is malformed.
    """
    given = _texts(claims, issuer.rights_claim) if issuer.rights_claim else ()
    # OAuth's `scope` is one text with spaces (RFC 9068, section 2.2.3)
    return [*given, *(word for each in given for word in each.split())]


def _texts(claims: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return a claim's texts, without repetitions; () if it is missing."""
    value = _claim(claims, name)
    if value is None:
        return ()
    texts = [value] if isinstance(value, str) else value
    if (
        not isinstance(texts, list)
        or len(texts) > MAX_VALUES
        or not all(isinstance(each, str) and _is_name(each) for each in texts)
    ):
        raise TokenNotMapped(f"The token's claim {name!r} must be a name or a list of names.")
    return tuple(dict.fromkeys(each.strip() for each in texts))


def _is_name(text: str) -> bool:
    return 0 < len(text.strip()) <= MAX_NAME and text.isprintable()


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    if name in claims:  # names may be URLs, which contain dots
        return claims[name]
    value: Any = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
