"""Timing of calls, and the figures of a series of times."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median, quantiles
from time import perf_counter
from typing import Any, TypeVar

from liftos.bench.types import Figure, Target

T = TypeVar("T")


def timed(call: Callable[..., T], *arguments: Any) -> tuple[T, float]:
    """Return a call's result and its duration in seconds."""
    started = perf_counter()
    result = call(*arguments)
    return result, perf_counter() - started


def elapsed_s(call: Callable[..., object], *arguments: Any) -> float:
    """Return the duration of a call in seconds."""
    return timed(call, *arguments)[1]


def elapsed_ms(call: Callable[..., object], *arguments: Any) -> float:
    """Return the duration of a call in ms."""
    return timed(call, *arguments)[1] * 1e3


def latency(
    title: str,
    times_ms: Sequence[float],
    *,
    p50: Target | None = None,
    p95: Target | None = None,
    also: str = "",
) -> Iterator[Figure]:
    """Yield the median and the 95th percentile of times; `also` is said in the median's title only."""
    yield Figure(f"{title}{also}: p50", median(times_ms), "ms", target=p50)
    yield Figure(f"{title}: p95", quantiles(times_ms, n=20)[-1], "ms", target=p95)
