"""What a benchmark takes and gives. No Django here."""

from collections.abc import Callable, Generator
from dataclasses import dataclass


class BenchFailed(RuntimeError):
    """A benchmark could not be run to its end; the message is one line."""


@dataclass(frozen=True, slots=True)
class Options:
    """How large a run is.

    Attributes:
        memories: rows in all.
        organisations: among how many they are divided.
        queries: asked of each class of organisations.
        seed: of everything random.
        records: of decisions in the log.
        lookups: of embeddings that are replayed.
        minutes: of a soak.
        chroma: a virtual environment that has Chroma; empty to have one made, `none` to do without.
        dbos: the same, of DBOS Transact.
    """

    memories: int = 100_000
    organisations: int = 1_000
    queries: int = 100
    seed: int = 7
    records: int = 100_000
    lookups: int = 100_000
    minutes: int = 30
    chroma: str = ""
    dbos: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What a value has to reach: at least, or at most, a bound."""

    sign: str
    bound: float

    def is_met_by(self, value: float) -> bool:
        """Tell whether a value is on the right side of the bound, or on it."""
        return value >= self.bound if self.sign == ">=" else value <= self.bound

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value.

    Attributes:
        metric: what was measured, with its circumstances.
        value: how much.
        unit: of the value and of the reference's.
        reference: what it is compared with, measured in the same run; empty for nothing.
        reference_value: what that reached.
        target: what the value has to reach, if anything.
        overhead: the value is what something adds, the difference of two measurements: below zero it says that nothing could
            be measured, not that the target was met with room to spare.
    """

    metric: str
    value: float
    unit: str
    reference: str = ""
    reference_value: float | None = None
    target: Target | None = None
    overhead: bool = False

    def as_json(self, bench: str) -> dict[str, object]:
        """Return the object that `--json` prints."""
        ratio = self.value / self.reference_value if self.reference_value else None
        return {
            "bench": bench,
            "metric": self.metric,
            "value": round(self.value, 4),
            "unit": self.unit,
            "reference": self.reference or None,
            "reference_value": None if self.reference_value is None else round(self.reference_value, 4),
            "ratio": None if ratio is None else round(ratio, 4),
            "target": str(self.target) if self.target else None,
            "met": self._met(),
        }

    def _met(self) -> bool | str | None:
        if self.target is None:
            return None
        if self.overhead and self.value < 0:
            return "within noise"
        return self.target.is_met_by(self.value)


Run = Callable[[Options], Generator[Figure]]


@dataclass(frozen=True, slots=True)
class Bench:
    """A named measurement; `run` yields its figures as it gets them, inside a scratch database of its own."""

    name: str
    summary: str
    run: Run
