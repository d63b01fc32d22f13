"""The operator's secrets, which a template refers to as `{secret:crm}`.

A value comes from the file LIFTOS_WORKFLOW_SECRETS_FILE or the environment (LIFTOS_SECRET_CRM). The function inserts it when it
sends the request, so it never appears in a row, record, trace or log. Only the template's own text can refer to a secret;
the same syntax in parameters or results is plain text.
"""

import base64
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import quote, quote_plus

from django.conf import settings

from liftos.kernel.errors import InvalidInput, LiftosError

MIN_SECRET, MAX_SECRET = 8, 8_000
_NAME = r"[A-Za-z][A-Za-z0-9_-]{0,63}"
SECRET = re.compile(rf"(?<!\{{)\{{secret:({_NAME})\}}(?!\}})")
_ENVIRONMENT = "LIFTOS_SECRET_"
# LIFTOS_SECRET_KEY is Django's signing key
_NOT_SECRETS = frozenset({"KEY"})


class SecretUnknown(InvalidInput):
    """There is no secret with this name."""


class SecretNotForHost(InvalidInput):
    """The secret may not be sent to this host."""


class SecretsUnusable(LiftosError):
    """The secrets file can't be used; see `manage.py check`."""

    status = 503


@dataclass(frozen=True, slots=True)
class Secret:
    """A value, and the hosts it may be sent to; without hosts, any that `http.request` may call."""

    value: str
    hosts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Secret(…)"


def secret_names(text: str) -> list[str]:
    """Return the names of the secrets that a template's text refers to."""
    return SECRET.findall(text)


def find_secret(organisation: str, name: str) -> Secret | None:
    """Return a secret: the organisation's own (`acme/crm`) before a shared one (`crm`), the file before the environment.

    Args:
        organisation: its slug.
        name: as written in the template.

    Raises:
        SecretsUnusable: the file can't be read, is readable by others, or is malformed; or the variable's value is invalid.
    """
    stored = _file_secrets()
    found = stored.get(f"{organisation}/{name}") or stored.get(name)
    if found is not None:
        return found
    variable = name.upper().replace("-", "_")
    value = "" if variable in _NOT_SECRETS else os.environ.get(_ENVIRONMENT + variable, "")
    try:
        return Secret(_validated(value)) if value else None
    except ValueError as error:
        raise SecretsUnusable from error


def _file_secrets() -> Mapping[str, Secret]:
    path = settings.LIFTOS_WORKFLOW_SECRETS_FILE
    if not path:
        return {}
    try:
        about = Path(path).stat()
        return read_secrets(path, about.st_mtime_ns, about.st_size, about.st_mode)
    except (OSError, ValueError) as error:
        raise SecretsUnusable from error


@lru_cache(maxsize=2)
def read_secrets(path: str, changed: int, size: int, mode: int) -> Mapping[str, Secret]:
    """Return the secrets in a file, by name. `changed` and `size` only invalidate the cache.

    Raises:
        OSError: the file can't be read.
        ValueError: the file is accessible to others than its owner, or is not a JSON object of names to values.
    """
    del changed, size
    if stat.S_IMODE(mode) & 0o077:
        raise ValueError(f"{path} must be accessible to its owner only; set its mode to 0600")
    try:
        written = json.loads(Path(path).read_text())
    except ValueError:
        # the parser's message would quote the text, which may be a secret
        raise ValueError(f"{path} is not valid JSON") from None
    if not isinstance(written, dict):
        raise ValueError(f"{path} must be a JSON object of names to values")  # noqa: TRY004  of a file, as its other faults
    return {name: _read(name, value) for name, value in written.items()}


def _read(name: str, value: Any) -> Secret:
    if not re.fullmatch(rf"(?:[a-z0-9_-]+/)?{_NAME}", name):
        raise ValueError(f"{name!r} is not a valid secret name")
    if isinstance(value, str):
        return Secret(_validated(value))
    if (
        not isinstance(value, dict)
        or not set(value) <= {"value", "hosts"}
        or not isinstance(value.get("value"), str)
    ):
        raise ValueError(f"the secret {name} must be a string, or an object with value and hosts")
    hosts = value.get("hosts", [])
    if not isinstance(hosts, list) or not all(isinstance(each, str) and each for each in hosts):
        raise ValueError(f"the hosts of the secret {name} must be a list of host names")
    return Secret(_validated(value["value"]), tuple(each.lower() for each in hosts))


def _validated(value: str) -> str:
    if not MIN_SECRET <= len(value) <= MAX_SECRET or not value.isascii() or not value.isprintable():
        raise ValueError(f"a secret must have {MIN_SECRET} to {MAX_SECRET} printable ASCII characters")
    return value


class Revealer:
    """The secrets of one call: marks the template's references, inserts the values on sending, masks them in the response."""

    def __init__(self, organisation: str) -> None:
        """Prepare for a call of the organisation with this slug."""
        self._organisation = organisation
        # random, so that no parameter or result can contain a mark
        self._token = token_hex(16)
        self._marked = re.compile(rf"~{self._token}:({_NAME})~")
        self._shown: dict[str, str] = {}

    def mark(self, value: Any) -> Any:
        """Return a template's value with its secret references marked; call this before resolving other references."""
        return _map_strings(value, lambda text: SECRET.sub(rf"~{self._token}:\1~", text))

    def reveal(self, text: str, *, host: str) -> str:
        """Return a text with marks replaced by the secrets' values, for sending to a host.

        Raises:
            SecretUnknown, SecretNotForHost: the message names the secret.
        """
        return self._marked.sub(lambda found: self._value(found[1], host), text)

    def _value(self, name: str, host: str) -> str:
        found = find_secret(self._organisation, name)
        if found is None:
            raise SecretUnknown(f"There is no secret {name}.")
        if found.hosts and host.lower() not in found.hosts:
            raise SecretNotForHost(f"The secret {name} may not be sent to {host[:200]}.")
        self._shown[name] = found.value
        return found.value

    def mask(self, value: Any) -> Any:
        """Return a response with the secrets that were sent masked, in all their usual encodings."""
        return _map_strings(value, self._masked) if self._shown else value

    def mask_error(self, error: Exception) -> Exception:
        """Return an error with the secrets masked in its text."""
        if self._shown:
            error.args = tuple(self.mask(each) for each in error.args)
            error.__cause__ = error.__context__ = None
            if isinstance(error, LiftosError):
                error.message = self.mask(error.message)
        return error

    def _masked(self, text: str) -> str:
        for name, value in self._shown.items():
            for form in _encodings(value):
                text = text.replace(form, f"{{secret:{name}}}")
        return text


def _encodings(value: str) -> list[str]:
    raw = value.encode()
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    forms = {
        value,
        quote(value),
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(value)[1:-1],
        raw.hex(),
    }
    return sorted(forms | encoded | {each.rstrip("=") for each in encoded}, key=len, reverse=True)


def _map_strings(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {
            change(key) if isinstance(key, str) else key: _map_strings(each, change)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_map_strings(each, change) for each in value]
    return value


def iter_strings(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every string in a JSON value, including keys, with its path."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield (*at, str(key)), str(key)
            yield from iter_strings(each, (*at, str(key)))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from iter_strings(each, (*at, str(number)))
