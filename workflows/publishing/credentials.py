"""Credentials in templates: saving requires a secret reference instead; those in older templates are masked when shown."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from liftos.kernel.functions import Function, find_function
from workflows.definition import Definition, Faulty
from workflows.definition.types import Fault
from workflows.secrets import SECRET, find_secret, iter_strings, secret_names

MASK = "withheld: use {secret:NAME} here"
_CREDENTIAL = re.compile(
    r"authorization|cookie|api-?key|(?:^|[-_])(?:auth|token|secret|password|passwd|pwd|credentials?|signature|session)(?:[-_]|$)",
    re.IGNORECASE,
)
# allowed beside a secret reference: a scheme (Bearer), or names of cookies
_BESIDE = re.compile(r"(?:[A-Za-z][A-Za-z-]{0,19}\s*)?|(?:[\w.-]{1,64}=;?\s*)+")


def is_literal(name: str, value: Any) -> bool:
    """Return whether a header holds a credential other than by a secret reference: literally, or from a stored parameter."""
    if not _CREDENTIAL.search(name):
        return False
    if not isinstance(value, str):
        return True
    return not secret_names(value) or not _BESIDE.fullmatch(SECRET.sub("", value).strip())


def check_secrets(organisation: str, definition: Definition) -> None:
    """Check a template's secret references, and that it has no literal credentials.

    Args:
        organisation: its slug.
        definition: otherwise valid.

    Raises:
        Faulty: a secret does not exist or is used where none is inserted, or a credential is literal; with all faults.
    """
    if faults := list(_faults(organisation, definition)):
        raise Faulty(faults)


def _faults(organisation: str, definition: Definition) -> Iterator[Fault]:
    for step in definition.steps:
        function = find_function(step.function, step.version) if step.function else None
        takes = function.secrets if function is not None else ()
        written = {"arguments": step.arguments, "when": step.when, "map": step.map}
        for at, text in iter_strings(written):
            for name in secret_names(text):
                if at[0] != "arguments" or at[1:2] not in {(each,) for each in takes}:
                    yield Fault(
                        step.name,
                        ".".join(at),
                        f"The secret {name} can't be used here; only some functions' arguments accept secrets.",
                    )
                elif find_secret(organisation, name) is None:
                    yield Fault(
                        step.name, ".".join(at), f"There is no secret {name}; ask the operator to add it."
                    )
        yield from _literals(step.name, step.arguments, function)


def _literals(step: str, arguments: Any, function: Function | None) -> Iterator[Fault]:
    for field in function.secrets if function is not None else ():
        given = arguments.get(field) if isinstance(arguments, Mapping) else None
        for name, value in given.items() if isinstance(given, Mapping) else ():
            if is_literal(name, value):
                message = (
                    f"Credentials are not allowed in templates or run parameters: ask the operator to store it as a secret and use "
                    f'{{secret:NAME}}, as in {{"{name}": "Bearer {{secret:crm}}"}}.'
                )
                yield Fault(step, f"arguments.{field}.{name}", message)


def masked(value: Any) -> Any:
    """Return a template, as sent or as parsed, with literal credentials in headers masked."""
    if isinstance(value, Mapping):
        return {
            key: _masked_headers(each) if key == "headers" and isinstance(each, Mapping) else masked(each)
            for key, each in value.items()
        }
    return [masked(each) for each in value] if isinstance(value, list) else value


def _masked_headers(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: MASK if is_literal(name, value) else masked(value) for name, value in headers.items()}
