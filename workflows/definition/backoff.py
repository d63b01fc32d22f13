"""The delay before a step is retried."""

from collections.abc import Callable

_MAX_DOUBLINGS = 60  # beyond any cap, without overflowing a float


def backoff(attempt: int, base: float, cap: float, random: Callable[[], float]) -> float:
    """Return the seconds to wait after a failed attempt: uniform between 0 and a bound that doubles with each attempt.

    Args:
        attempt: number of the failed attempt, from 1.
        base: bound after the first attempt, seconds.
        cap: maximum of the bound, seconds.
        random: returns a number from 0 to 1, for example `random.random`.

    Source: "full jitter" in Brooker, Exponential Backoff and Jitter (AWS Architecture Blog, 2015).
    """
    return random() * min(cap, base * 2.0 ** min(max(attempt, 1) - 1, _MAX_DOUBLINGS))
