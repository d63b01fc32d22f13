"""Timing of single calls."""

from collections.abc import Callable
from time import perf_counter
from typing import Any


def elapsed_ms(call: Callable[..., object], *arguments: Any) -> float:
    """Return the duration of a call in ms."""
    started = perf_counter()
    call(*arguments)
    return (perf_counter() - started) * 1e3
