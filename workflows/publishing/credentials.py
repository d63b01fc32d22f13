"""Credentials in templates: at save a secret must stand for them; those of templates of old are shown to nobody."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from liftos.kernel.functions import Function, find_function
from workflows.definition import Definition, Faulty
from workflows.definition.types import Fault
from workflows.secrets import SECRET, find_secret, secret_names, texts

MASK = "withheld: use {secret:NAME} here"
_CREDENTIAL = re.compile(
    r"authorization|cookie|api-?key|(?:^|[-_])(?:auth|token|secret|password|passwd|pwd|credentials?|signature|session)(?:[-_]|$)",
    re.IGNORECASE,
)
# what may stand beside a secret: a scheme (Bearer), or names of cookies
_BESIDE = re.compile(r"(?:[A-Za-z][A-Za-z-]{0,19}\s*)?|(?:[\w.-]{1,64}=;?\s*)+")


def is_literal(name: str, value: Any) -> bool:
    """Return whether a header is a credential that is not a secret's name: written out, or brought by a parameter, which is kept."""
    if not _CREDENTIAL.search(name):
        return False
    if not isinstance(value, str):
        return True
    return not secret_names(value) or not _BESIDE.fullmatch(SECRET.sub("", value).strip())


def check_secrets(organisation: str, definition: Definition) -> None:
    """Refuse a template that names a secret which is not there, or where none is put in, or that has a credential written out.

    Args:
        organisation: its slug.
        definition: read and found sound otherwise.

    Raises:
        Faulty: all faults.
    """
    if faults := list(_faults(organisation, definition)):
        raise Faulty(faults)


def _faults(organisation: str, definition: Definition) -> Iterator[Fault]:
    for step in definition.steps:
        function = find_function(step.function, step.version) if step.function else None
        takes = function.secrets if function is not None else ()
        written = {"arguments": step.arguments, "when": step.when, "map": step.map}
        for at, text in texts(written):
            for name in secret_names(text):
                if at[0] != "arguments" or at[1:2] not in {(each,) for each in takes}:
                    yield Fault(
                        step.name,
                        ".".join(at),
                        f"The secret {name} can't stand here; only functions that take secrets are given any.",
                    )
                elif find_secret(organisation, name) is None:
                    yield Fault(
                        step.name, ".".join(at), f"There is no secret {name}; the operator keeps them."
                    )
        yield from _literals(step.name, step.arguments, function)


def _literals(step: str, arguments: Any, function: Function | None) -> Iterator[Fault]:
    for field in function.secrets if function is not None else ():
        given = arguments.get(field) if isinstance(arguments, Mapping) else None
        for name, value in given.items() if isinstance(given, Mapping) else ():
            if is_literal(name, value):
                message = (
                    f"A credential does not belong into a template or a run's parameters: have the operator keep it, and write "
                    f'{{secret:NAME}} for it, as in {{"{name}": "Bearer {{secret:crm}}"}}.'
                )
                yield Fault(step, f"arguments.{field}.{name}", message)


def masked(value: Any) -> Any:
    """Return a template, as sent or as read, without the credentials that are written out in its headers."""
    if isinstance(value, Mapping):
        return {
            key: _masked_headers(each) if key == "headers" and isinstance(each, Mapping) else masked(each)
            for key, each in value.items()
        }
    return [masked(each) for each in value] if isinstance(value, list) else value


def _masked_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: MASK if is_literal(name, value) else masked(value) for name, value in headers.items()}
