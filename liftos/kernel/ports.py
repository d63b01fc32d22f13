"""Where lower layers call upward: each port is filled by an app in AppConfig.ready."""

from typing import Any, Protocol
from uuid import UUID

from liftos.kernel.tenancy.types import Actor


class DecisionRecorder(Protocol):
    """Appends a decision record inside the caller's transaction."""

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


_recorder: DecisionRecorder | None = None


def fill_decision_recorder(recorder: DecisionRecorder) -> None:
    """Install the recorder; called once, by the accountability app."""
    global _recorder
    _recorder = recorder


def decision_recorder() -> DecisionRecorder:
    """Return the installed recorder."""
    if _recorder is None:
        raise RuntimeError("no decision recorder is installed: call django.setup() first")
    return _recorder


class OrchestrationFigures(Protocol):
    """Tells how an organisation's workflows went, in the words of the seed's `/performance/metrics`."""

    def __call__(self, organisation: UUID) -> dict[str, Any]:
        """Return the figures; opens a transaction of its own."""


_orchestration: OrchestrationFigures | None = None


class DecisionFigures(Protocol):
    """Counts an organisation's decisions, in the words of the seed's `/performance/metrics`."""

    def __call__(self, organisation: str) -> dict[str, Any]:
        """Return the figures of an organisation, named by id or slug; opens a transaction of its own."""


_decisions: DecisionFigures | None = None


def fill_decision_figures(figures: DecisionFigures) -> None:
    """Install the figures; called once, by the accountability app."""
    global _decisions
    _decisions = figures


def decision_figures() -> DecisionFigures:
    """Return the installed figures."""
    if _decisions is None:
        raise RuntimeError("no decision figures are installed: call django.setup() first")
    return _decisions


def fill_orchestration_figures(figures: OrchestrationFigures) -> None:
    """Install the figures; called once, by the workflows app."""
    global _orchestration
    _orchestration = figures


def orchestration_figures() -> OrchestrationFigures:
    """Return the installed figures."""
    if _orchestration is None:
        raise RuntimeError("no orchestration figures are installed: call django.setup() first")
    return _orchestration
