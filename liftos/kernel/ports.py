"""Where a lower layer calls an upper one: a port is declared below, filled by an app in `AppConfig.ready`, and asked below.

The kernel's own ports are here; `memory/ports.py` and `accountability/ports.py` declare theirs. A port that nobody has filled
raises when it is asked, so that a project assembled without the app fails instead of reporting nothing.
"""

from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from liftos.kernel.tenancy.types import Actor

T = TypeVar("T")


class UnfilledPort(RuntimeError):
    """Nobody has filled a port that was asked."""

    def __init__(self, port: str, filled_by: str) -> None:
        super().__init__(f"port {port} is not filled: call django.setup() with {filled_by} in INSTALLED_APPS")


class Port(Generic[T]):
    """A port with one filler; calling the port returns it.

    Args:
        name: the port's, for the error.
        filled_by: the app that fills it.
    """

    def __init__(self, name: str, *, filled_by: str) -> None:
        self.name, self.filled_by = name, filled_by
        self.filler: T | None = None

    def fill(self, filler: T) -> None:
        """Install the filler; a second one replaces the first."""
        self.filler = filler

    def __call__(self) -> T:
        """Return the filler.

        Raises:
            UnfilledPort: there is none.
        """
        if self.filler is None:
            raise UnfilledPort(self.name, self.filled_by)
        return self.filler


class NamedPort(Generic[T]):
    """A port with a filler for each name; calling the port returns all of them by name.

    Args:
        name: the port's, for the error.
        filled_by: the apps that fill it.
    """

    def __init__(self, name: str, *, filled_by: str) -> None:
        self.name, self.filled_by = name, filled_by
        self.fillers: dict[str, T] = {}

    def fill(self, name: str, filler: T) -> None:
        """Install a filler under a name; a second one replaces the first."""
        self.fillers[name] = filler

    def __call__(self) -> Mapping[str, T]:
        """Return the fillers by name.

        Raises:
            UnfilledPort: there are none.
        """
        if not self.fillers:
            raise UnfilledPort(self.name, self.filled_by)
        return self.fillers


class DecisionRecorder(Protocol):
    """Append a decision record inside the caller's transaction."""

    def __call__(
        self,
        *,
        organisation: UUID,
        by: Actor,
        operation: str,
        reasoning: str,
        effect: str = ...,
        risk_class: str = ...,
        subject: tuple[str, str] = ...,
        inputs: dict[str, Any] | None = ...,
        outputs: dict[str, Any] | None = ...,
    ) -> UUID:
        """Return the new decision's id. See accountability.operations.record for the fields."""


class DecisionFigures(Protocol):
    """Count an organisation's decisions, as the legacy `/performance/metrics` reports them."""

    def __call__(self, organisation: str) -> dict[str, Any]:
        """Return the figures of an organisation, given by id or slug; opens its own transaction."""


class OrchestrationFigures(Protocol):
    """Count an organisation's workflow runs, as the legacy `/performance/metrics` reports them."""

    def __call__(self, organisation: UUID) -> dict[str, Any]:
        """Return the figures; opens its own transaction."""


decision_recorder: Port[DecisionRecorder] = Port("decision_recorder", filled_by="accountability")
"""Puts what the kernel does (keys, organisations, admin actions) on record. Filled by accountability."""

decision_figures: Port[DecisionFigures] = Port("decision_figures", filled_by="accountability")
"""The decisions in `ObservabilityManager.statistics` and `/performance/metrics`. Filled by accountability."""

orchestration_figures: Port[OrchestrationFigures] = Port("orchestration_figures", filled_by="workflows")
"""The workflow runs in `/performance/metrics`. Filled by workflows."""
