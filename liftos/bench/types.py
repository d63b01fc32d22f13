"""Options and figures of benchmarks. No Django here."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any


class BenchFailed(RuntimeError):
    """A benchmark could not finish; the message is one line."""


def _option(default: Any, about: str, metavar: str | None = None) -> Any:
    return field(default=default, metadata={"help": about, "metavar": metavar})


@dataclass(frozen=True, slots=True)
class Options:
    """The size of a run; each field is an option of `manage.py bench`."""

    memories: int = _option(100_000, "memories in total")
    organisations: int = _option(1_000, "organisations that share them")
    queries: int = _option(100, "queries per class of organisations")
    records: int = _option(100_000, "decision records in the log")
    lookups: int = _option(100_000, "embedding look-ups to replay")
    minutes: int = _option(30, "duration of the soak")
    chroma: str = _option(
        "", "http, import: virtual environment with chromadb (default: create one), or none", "VENV"
    )
    dbos: str = _option("", "workflows: virtual environment with dbos (default: create one), or none", "VENV")
    seed: int = _option(7, "random seed")


@dataclass(frozen=True, slots=True)
class Target:
    """A target: at least, or at most, a bound."""

    sign: str
    bound: float

    def is_met_by(self, value: float) -> bool:
        """Return whether a value meets the target."""
        return value >= self.bound if self.sign == ">=" else value <= self.bound

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value.

    Attributes:
        metric: what was measured, and under which conditions.
        value: the figure.
        unit: of value and reference_value.
        reference: what it is compared with, measured in the same run; empty for none.
        reference_value: the reference's figure.
        target: the target, if any.
        overhead: whether the value is a difference of two measurements. Below zero it means that nothing could
            be measured, not that the target was met with a margin.
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
    """A benchmark. `run` yields figures as they are measured, in its own scratch database."""

    name: str
    summary: str
    run: Run
