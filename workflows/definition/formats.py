"""JSON Schema string formats, each checked in time linear in the text."""

import re
from collections.abc import Callable
from datetime import date
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(
    r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{1,20})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])",
    re.IGNORECASE,
)
# either weeks, or at least one of the other components
_DURATION = re.compile(
    r"P(?:[0-9]{1,20}W|(?=[0-9T])(?:[0-9]{1,20}Y)?(?:[0-9]{1,20}M)?(?:[0-9]{1,20}D)?"
    r"(?:T(?=[0-9])(?:[0-9]{1,20}H)?(?:[0-9]{1,20}M)?(?:[0-9]{1,20}(?:\.[0-9]{1,20})?S)?)?)"
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.IGNORECASE)
_EMAIL_NAME = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
# RFC 3986's characters; a URI has a scheme, a relative reference has none
_URI_CHARACTERS = re.compile(r"(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_POINTER = re.compile(r"(?:/(?:[^/~]|~[01])*)*", re.DOTALL)
MAX_SHORT = 320  # the longest e-mail address; dates, host names and IP addresses are shorter


def _date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    return _parses(date.fromisoformat, text)


def _date_time(text: str) -> bool:
    return text[10:11] in ("T", "t") and _date(text[:10]) and _TIME.fullmatch(text, 11) is not None


def _hostname(text: str) -> bool:
    return 0 < len(text) <= 253 and all(_LABEL.fullmatch(label) for label in text.split("."))


def _email(text: str) -> bool:
    name, at, host = text.rpartition("@")
    return (
        bool(at)
        and _EMAIL_NAME.fullmatch(name) is not None
        and ".." not in name
        and not name.startswith(".")
        and not name.endswith(".")
        and _hostname(host)
    )


def _uri_reference(text: str) -> bool:
    return _URI_CHARACTERS.fullmatch(text) is not None


def _uri(text: str) -> bool:
    return _SCHEME.match(text) is not None and _uri_reference(text)


def _parses(read: Callable[[str], Any], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def _short(check: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: len(text) <= MAX_SHORT and check(text)


FORMATS: Final[dict[str, Callable[[str], bool]]] = {
    "date": _short(_date),
    "date-time": _short(_date_time),
    "time": _short(lambda text: _TIME.fullmatch(text) is not None),
    "duration": _short(lambda text: _DURATION.fullmatch(text) is not None),
    "email": _short(_email),
    "hostname": _short(_hostname),
    "ipv4": _short(lambda text: _parses(IPv4Address, text)),
    "ipv6": _short(lambda text: "%" not in text and _parses(IPv6Address, text)),
    "uuid": _short(lambda text: _UUID.fullmatch(text) is not None),
    "uri": _uri,
    "uri-reference": _uri_reference,
    "json-pointer": lambda text: _POINTER.fullmatch(text) is not None,
}
