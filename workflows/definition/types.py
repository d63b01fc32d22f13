"""Parsed templates and their faults. No Django here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from liftos.kernel.errors import InvalidInput

Json = Any
"""None, bool, int, float, str, list or dict of the same."""

MAX_STEPS = 1_000
MAX_EDGES = 10_000
MAX_NAME = 64
MAX_TEMPLATE_NAME = 100
MAX_DESCRIPTION = 2_000
MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_VALUE_DEPTH = 64  # the same as for requests
MAX_TIMEOUT_SECONDS = 3_600.0
MAX_RETRIES = 10
MAX_BACKOFF_SECONDS = 3_600.0
MAX_MAP_ITEMS = 1_000
MAX_MAP_LIMIT = 100
MAX_CONDITIONS = 50

CRITICAL, HIGH, NORMAL, LOW, BACKGROUND = range(1, 6)
"""Priorities: the smallest number goes first, as in the old platform."""


class FunctionLike(Protocol):
    """The used part of a registered function."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def version(self) -> int: ...  # noqa: D102

    @property
    def schema(self) -> Any:
        """The arguments: a pydantic model, or a JSON Schema of an object; an empty one accepts anything."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a template.

    Attributes:
        name: used by other steps to depend on it and refer to its result.
        function: name of a registered function.
        version: of the function; None for the newest at publication.
        arguments: JSON with references: `{parameter}`, `{steps.NAME.result.PATH}`, and in a mapped step `{item}`.
        depends_on: names of steps that must be done or skipped before it.
        priority: 1 (critical) to 5 (background); the smallest number goes first.
        timeout_seconds: for one attempt.
        max_retries: attempts after the first.
        backoff_seconds: upper bound of the wait before the first retry; it doubles with each (`backoff`).
        when: condition (`holds`); if it is false, the step is skipped. None for always.
        map: a list, or one reference to a list, whose items the function is called for; None for a single call.
        map_limit: maximum number of items in parallel.
        approval: whether a person must approve the step before it runs.
        child_scopes: what the steps of the run that it starts need; set at publication.
    """

    name: str
    function: str
    version: int | None = None
    arguments: dict[str, Json] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    priority: int = NORMAL
    timeout_seconds: float = 30.0
    max_retries: int = 3
    backoff_seconds: float = 0.1
    when: Json = None
    map: Json = None
    map_limit: int = 10
    approval: bool = False
    child_scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """A parsed template.

    Attributes:
        name: of the template.
        description: for people.
        parameters: JSON Schema of the runs' parameters, an object.
        steps: in the template's order.
    """

    name: str
    description: str
    parameters: dict[str, Json]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a template or of a run's parameters.

    Attributes:
        step: the step's name, or its number (`#2`, from 1) if it has no valid name; None outside of steps.
        field: dotted path within the step or template; empty for the whole.
        message: one sentence for the author.
        unknown: whether the fault is an unknown field.
    """

    step: str | None
    field: str
    message: str
    unknown: bool = False

    def __str__(self) -> str:
        """Return the fault as one line."""
        where = " ".join(part for part in (f"step {self.step}:" if self.step else "", self.field) if part)
        return (
            f"{where}: {self.message}"
            if where and not where.endswith(":")
            else f"{where} {self.message}".strip()
        )


class Faulty(InvalidInput):
    """The template is invalid."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Create the error for at least one fault; the message has the first one and the number of others."""
        self.faults = list(faults)
        first, more = self.faults[0], len(self.faults) - 1
        loc = tuple(part for part in (first.step, *first.field.split(".")) if part)
        super().__init__(f"{first}" + (f" ({more} more)" if more else ""), loc=loc)


class Unresolvable(InvalidInput):
    """A reference can't be resolved."""


class TooLarge(InvalidInput):
    """A value with resolved references is too large to store."""
