"""Rules for trying again."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# the service says that it has not begun, or a proxy that nobody answered it
_BEFORE = frozenset({429, 503})
_MAYBE = frozenset({502, 504})


@dataclass(frozen=True)
class Retries:
    """A number of tries, with growing pauses and full jitter.

    Attributes:
        most: tries after the first; 0 for none.
        first: the longest first pause, in seconds; each further one may be twice as long.
        longest: the longest pause, in seconds; a longer `Retry-After` ends the tries.

    Source: Brooker 2015, "Exponential Backoff and Jitter".
    """

    most: int = 4
    first: float = 0.25
    longest: float = 30.0

    def pause(self, tries: int, *, retry_after: str = "") -> float | None:
        """Return the seconds to wait after a number of failed tries; None to give up."""
        if tries > self.most:
            return None
        asked = _seconds(retry_after)
        if asked is not None:
            return asked + random.uniform(0, self.first) if asked <= self.longest else None  # noqa: S311  not a secret
        return random.uniform(0, min(self.longest, self.first * 2 ** (tries - 1)))  # noqa: S311


def may_repeat(status: int, *, repeatable: bool) -> bool:
    """Return whether a request with an answer may be sent again.

    Args:
        status: of the answer.
        repeatable: whether a second execution has no further effect.
    """
    return status in _BEFORE or (repeatable and status in _MAYBE)


def _seconds(text: str) -> float | None:
    """Return `Retry-After` in seconds; None if it names none."""
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
