"""Secrets of the operator that a step may send along without anybody seeing them: `{secret:crm}` in a template.

The value comes from the file LIFTOS_WORKFLOW_SECRETS_FILE, or from the environment (LIFTOS_SECRET_CRM). It is put in by the function,
at the moment it is sent, and is in no row, record, trace or log. Only the template's own text names a secret: what parameters and results
bring is text, whatever it says.
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
# LIFTOS_SECRET_KEY is the installation's own
_NOT_SECRETS = frozenset({"KEY"})


class SecretUnknown(InvalidInput):
    """The operator keeps no secret of that name."""

    code = "workflows.secret_unknown"


class SecretNotForHost(InvalidInput):
    """The secret is not for this host."""

    code = "workflows.secret_not_for_host"


class SecretsUnusable(LiftosError):
    """The file of secrets can't be used; the operator's checks say why."""

    code = "workflows.secrets_unusable"
    status = 503


@dataclass(frozen=True, slots=True)
class Secret:
    """A value, and the hosts that it may be sent to; no host named, any that `http.request` may call."""

    value: str
    hosts: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Secret(…)"


def secret_names(text: str) -> list[str]:
    """Return the names of the secrets that a template's text refers to."""
    return SECRET.findall(text)


def find_secret(organisation: str, name: str) -> Secret | None:
    """Return a secret: the organisation's own (`acme/crm`) before that for all (`crm`), the file before the environment.

    Args:
        organisation: its slug.
        name: as a template has it.

    Raises:
        SecretsUnusable: the file can't be read, may be read by others, or is no such file; the variable is no secret.
    """
    kept = _kept()
    found = kept.get(f"{organisation}/{name}") or kept.get(name)
    if found is not None:
        return found
    variable = name.upper().replace("-", "_")
    value = "" if variable in _NOT_SECRETS else os.environ.get(_ENVIRONMENT + variable, "")
    try:
        return Secret(_checked(value)) if value else None
    except ValueError as error:
        raise SecretsUnusable from error


def _kept() -> Mapping[str, Secret]:
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
    """Return the secrets of a file, by name.

    Raises:
        OSError: it can't be read.
        ValueError: others than its owner may read it, or it is no JSON object of names to values.
    """
    del changed, size
    if stat.S_IMODE(mode) & 0o077:
        raise ValueError(f"{path} may be read by others than its owner; make its mode 0600")
    try:
        written = json.loads(Path(path).read_text())
    except ValueError:
        # what is wrong would be quoted, and may be a secret
        raise ValueError(f"{path} is no JSON") from None
    if not isinstance(written, dict):
        raise ValueError(f"{path} must be a JSON object of names to values")  # noqa: TRY004  of a file, as its other faults
    return {name: _read(name, value) for name, value in written.items()}


def _read(name: str, value: Any) -> Secret:
    if not re.fullmatch(rf"(?:[a-z0-9_-]+/)?{_NAME}", name):
        raise ValueError(f"{name!r} can't be the name of a secret")
    if isinstance(value, str):
        return Secret(_checked(value))
    if (
        not isinstance(value, dict)
        or not set(value) <= {"value", "hosts"}
        or not isinstance(value.get("value"), str)
    ):
        raise ValueError(f"the secret {name} must be a text, or an object with value and hosts")
    hosts = value.get("hosts", [])
    if not isinstance(hosts, list) or not all(isinstance(each, str) and each for each in hosts):
        raise ValueError(f"the hosts of the secret {name} must be a list of names")
    return Secret(_checked(value["value"]), tuple(each.lower() for each in hosts))


def _checked(value: str) -> str:
    if not MIN_SECRET <= len(value) <= MAX_SECRET or not value.isascii() or not value.isprintable():
        raise ValueError(f"a secret has {MIN_SECRET} to {MAX_SECRET} characters of printable ASCII")
    return value


class Revealer:
    """The secrets of one call: marks where the template names them, puts them in at the end, masks them in what comes back."""

    def __init__(self, organisation: str) -> None:
        """Begin; `organisation` is a slug."""
        self._organisation = organisation
        # nobody can have written this into a parameter or a result
        self._token = token_hex(16)
        self._marked = re.compile(rf"~{self._token}:({_NAME})~")
        self._shown: dict[str, str] = {}

    def mark(self, value: Any) -> Any:
        """Return a template's value with the names of secrets in it marked, before references bring anything in."""
        return _strings(value, lambda text: SECRET.sub(rf"~{self._token}:\1~", text))

    def reveal(self, text: str, *, host: str) -> str:
        """Return a text with the secrets in it, to be sent to a host now.

        Raises:
            SecretUnknown, SecretNotForHost: naming the secret.
        """
        return self._marked.sub(lambda found: self._value(found[1], host), text)

    def _value(self, name: str, host: str) -> str:
        found = find_secret(self._organisation, name)
        if found is None:
            raise SecretUnknown(f"There is no secret {name}.")
        if found.hosts and host.lower() not in found.hosts:
            raise SecretNotForHost(f"The secret {name} is not for {host[:200]}.")
        self._shown[name] = found.value
        return found.value

    def mask(self, value: Any) -> Any:
        """Return what came back, without the secrets that were sent, in whatever usual form they are in it."""
        return _strings(value, self._masked) if self._shown else value

    def mask_error(self, error: Exception) -> Exception:
        """Return an error whose text does not tell the secrets."""
        if self._shown:
            error.args = tuple(self.mask(each) for each in error.args)
            error.__cause__ = error.__context__ = None
            if isinstance(error, LiftosError):
                error.message = self.mask(error.message)
        return error

    def _masked(self, text: str) -> str:
        for name, value in self._shown.items():
            for form in _forms(value):
                text = text.replace(form, f"{{secret:{name}}}")
        return text


def _forms(value: str) -> list[str]:
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


def _strings(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {
            change(key) if isinstance(key, str) else key: _strings(each, change)
            for key, each in value.items()
        }
    if isinstance(value, list):
        return [_strings(each, change) for each in value]
    return value


def texts(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every text within a value, names of members too, with the path of its place."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield (*at, str(key)), str(key)
            yield from texts(each, (*at, str(key)))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from texts(each, (*at, str(number)))
