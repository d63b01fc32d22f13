"""What a template says, once it has been read. No Django here."""

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
MAX_VALUE_DEPTH = 64  # as of a request
MAX_TIMEOUT_SECONDS = 3_600.0
MAX_RETRIES = 10
MAX_BACKOFF_SECONDS = 3_600.0
MAX_MAP_ITEMS = 1_000
MAX_MAP_LIMIT = 100
MAX_CONDITIONS = 50

CRITICAL, HIGH, NORMAL, LOW, BACKGROUND = range(1, 6)
"""Priorities: the smallest number goes first, as in the old platform's template, whose 2 is "high"."""


class FunctionLike(Protocol):
    """What is asked of a registered function here."""

    @property
    def name(self) -> str:
        """Under which it is registered."""

    @property
    def version(self) -> int:
        """From 1."""

    @property
    def schema(self) -> Any:
        """Its arguments: a pydantic model, or a JSON Schema of an object; empty for anything."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a template.

    Attributes:
        name: by which others depend on it and refer to its result.
        function: name of a registered function.
        version: of the function; None for the newest when the run begins.
        arguments: JSON with references in it: `{parameter}`, `{steps.NAME.result.PATH}`, and in a mapped step `{item}`.
        depends_on: names of steps that must have ended well, or have been skipped, before it.
        priority: 1 (critical) to 5 (background); the smallest number goes first.
        timeout_seconds: for one attempt.
        max_retries: attempts after the first.
        backoff_seconds: upper bound of the wait before the first retry; it doubles with each (`backoff`).
        when: condition without which the step is skipped (`holds`); None for always.
        map: a list, or one reference to a list: the function is called once for each item; None for one plain call.
        map_limit: items of a mapped step at the same time.
        approval: a person must approve before it runs.
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


@dataclass(frozen=True, slots=True)
class Definition:
    """A whole template.

    Attributes:
        name: of the template.
        description: for people.
        parameters: JSON Schema of an object: what a run is given.
        steps: in the order they were written in.
    """

    name: str
    description: str
    parameters: dict[str, Json]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a template or with what a run was given.

    Attributes:
        step: name of the step it is in, its number (`#2`, from 1) where it has no usable name, None outside of steps.
        field: dotted path within the step, or within the whole; empty for the thing itself.
        message: one sentence for whoever wrote it.
        unknown: whether the fault is that there is no field of this name.
    """

    step: str | None
    field: str
    message: str
    unknown: bool = False

    def __str__(self) -> str:
        """Return it as one line."""
        where = " ".join(part for part in (f"step {self.step}:" if self.step else "", self.field) if part)
        return (
            f"{where}: {self.message}"
            if where and not where.endswith(":")
            else f"{where} {self.message}".strip()
        )


class Faulty(InvalidInput):
    """The template can't be used as it is."""

    code = "workflows.faulty"

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep all that was found; the message tells the first and how many more there are.

        Args:
            faults: at least one.
        """
        self.faults = list(faults)
        first, more = self.faults[0], len(self.faults) - 1
        loc = tuple(part for part in (first.step, *first.field.split(".")) if part)
        super().__init__(f"{first}" + (f" ({more} more)" if more else ""), loc=loc)


class Unresolvable(InvalidInput):
    """A reference leads to nothing."""

    code = "workflows.unresolvable"


class TooLarge(InvalidInput):
    """A value that references were put into is larger than may be kept."""

    code = "workflows.too_large"
