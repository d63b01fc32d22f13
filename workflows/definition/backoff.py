"""How long to wait before a step is tried again."""

from collections.abc import Callable

_MAX_DOUBLINGS = 60  # beyond any cap, and still a float


def backoff(attempt: int, base: float, cap: float, random: Callable[[], float]) -> float:
    """Return the seconds to wait after an attempt that failed: evenly spread between nothing and a doubling bound.

    Args:
        attempt: which one failed, from 1.
        base: seconds; the bound after the first.
        cap: seconds that the bound never exceeds.
        random: returns a number from 0 to 1, for example `random.random`.

    Source: "full jitter" in Brooker, Exponential Backoff and Jitter (AWS Architecture Blog, 2015).
    """
    return random() * min(cap, base * 2.0 ** min(max(attempt, 1) - 1, _MAX_DOUBLINGS))
