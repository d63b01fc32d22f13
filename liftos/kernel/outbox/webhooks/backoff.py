"""The delays after which a failed delivery is tried again. Pure."""

from datetime import timedelta
from random import uniform
from typing import Final

SECONDS: Final = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800)
"""Delays after the first failed attempts; later ones are as long as the last."""
JITTER: Final = 0.2
MAX_ASKED: Final = 3_600


def delay_after(failures: int, *, asked: str = "") -> timedelta:
    """Return the time until the next attempt, 20% more or less than the table's.

    Args:
        failures: attempts that failed so far, at least 1.
        asked: the receiver's Retry-After in seconds, respected up to an hour.
    """
    seconds = SECONDS[min(failures, len(SECONDS)) - 1] * uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    if asked.isascii() and asked.isdecimal():
        seconds = max(seconds, min(int(asked), MAX_ASKED))
    return timedelta(seconds=seconds)
