"""Ports, through which a lower layer calls an upper one: declared and called below, filled by an app in `AppConfig.ready`.

These are the kernel's; `memory/ports.py` and `accountability/ports.py` declare their own. Calling an unfilled port raises, so
that a project without the app fails instead of silently doing nothing.
"""

from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from liftos.kernel.tenancy.types import Actor

T = TypeVar("T")


class UnfilledPort(RuntimeError):
    """The port was called but never filled."""

    def __init__(self, port: str, filled_by: str) -> None:
        super().__init__(f"port {port} is not filled: call django.setup() with {filled_by} in INSTALLED_APPS")


class Port(Generic[T]):
    """A port with one implementation; calling the port returns it.

    Args:
        name: the port's, for the error.
        filled_by: the app that fills it.
    """

    def __init__(self, name: str, *, filled_by: str) -> None:
        self.name, self.filled_by = name, filled_by
        self.filler: T | None = None

    def fill(self, filler: T) -> None:
        """Install the implementation, replacing an earlier one."""
        self.filler = filler

    def __call__(self) -> T:
        """Return the implementation.

        Raises:
            UnfilledPort: there is none.
        """
        if self.filler is None:
            raise UnfilledPort(self.name, self.filled_by)
        return self.filler


class NamedPort(Generic[T]):
    """A port with an implementation per name; calling the port returns all of them by name.

    Args:
        name: the port's, for the error.
        filled_by: the apps that fill it.
    """

    def __init__(self, name: str, *, filled_by: str) -> None:
        self.name, self.filled_by = name, filled_by
        self.fillers: dict[str, T] = {}

    def fill(self, name: str, filler: T) -> None:
        """Install an implementation under a name, replacing an earlier one."""
        self.fillers[name] = filler

    def __call__(self) -> Mapping[str, T]:
        """Return the implementations by name.

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


class MemoryFilters(Protocol):
    """Tests memories by metadata filters (docs/api.md), for events about them."""

    def check(self, filters: Any) -> None:
        """Check filters.

        Raises:
            InvalidInput: they are invalid; `loc` begins with `filters`.
        """

    def passing(self, organisation: UUID, filters: Any, memories: AbstractSet[UUID]) -> set[UUID]:
        """Return those memories that pass, in any trust state, and that the viewer sees; inside a tenant transaction."""


memory_filters: Port[MemoryFilters] = Port("memory_filters", filled_by="memory")
"""The filters of webhooks. Filled by memory."""


class PrivateMemories(Protocol):
    """The memories that only one principal sees, by its access scope; called in a transaction that sees the whole tenant."""

    def count(self, organisation: UUID, scope: int) -> int:
        """Return their number."""

    def any(self, organisation: UUID, scopes: Collection[int]) -> bool:
        """Return whether scopes have a memory, or a decision about what was theirs."""

    def erase(self, organisation: UUID, by: Actor, scope: int) -> None:
        """Erase them."""

    def transfer(self, organisation: UUID, by: Actor, *, scope: int, owner: UUID, to: UUID) -> None:
        """Make them visible to another principal alone, which becomes the owner of all that `owner` owned."""


class TextScreener(Protocol):
    """Screen the body of a request that stores text, by the organisation's policy for secrets."""

    def __call__(
        self,
        organisation: UUID,
        by: Actor,
        body: Any,
        fields: Collection[str] | None,
        *,
        is_name: bool = False,
    ) -> Any:
        """Return the body as it may be stored; raise if it is refused, as names are rather than replaced.

        Only some fields, or all (None), are screened.
        """


decision_recorder: Port[DecisionRecorder] = Port("decision_recorder", filled_by="accountability")
"""Records the kernel's decisions (keys, organisations, admin actions). Filled by accountability."""

private_memories: Port[PrivateMemories] = Port("private_memories", filled_by="memory")
"""The memories that only a principal sees. Filled by memory."""

text_screener: Port[TextScreener] = Port("text_screener", filled_by="memory")
"""Finds secrets in what native routes store. Filled by memory."""

decision_figures: Port[DecisionFigures] = Port("decision_figures", filled_by="accountability")
"""The decisions in `ObservabilityManager.statistics` and `/performance/metrics`. Filled by accountability."""

orchestration_figures: Port[OrchestrationFigures] = Port("orchestration_figures", filled_by="workflows")
"""The workflow runs in `/performance/metrics`. Filled by workflows."""
