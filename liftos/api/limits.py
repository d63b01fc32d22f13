"""How many requests a key and an organisation may send: counted in Redis, shared by all processes.

A sliding window (the count of the last window weighed by how much of it is still within reach, and that of this one); by the
library `limits`. While Redis is away nobody is refused: the limits protect the service, they are no secret to keep.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from math import ceil
from time import time
from typing import Any

from django.conf import settings
from limits import RateLimitItem, parse_many
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from liftos.errors import LiftosError
from liftos.tenancy.types import Principal

logger = logging.getLogger("liftos.limits")


class TooManyRequests(LiftosError):
    """Too many requests; try again later."""

    code = "liftos.rate_limited"
    status = 429

    def __init__(self, message: str, *, retry_after: int) -> None:
        """Keep the seconds after which it is worth trying again."""
        self.retry_after = retry_after
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Window:
    """What is left of the limit that is nearest to its end.

    Attributes:
        limit: requests in the window.
        remaining: of these, still to be had.
        reset: seconds until more are.
    """

    limit: int
    remaining: int
    reset: int

    def as_headers(self) -> dict[str, str]:
        """Return the headers by which callers know it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


@cache
def parse_limits(text: str) -> tuple[RateLimitItem, ...]:
    """Return limits as the settings write them: `600/minute`, `20/second;100000/day`.

    Raises:
        ValueError: they can't be read.
    """
    return tuple(parse_many(text)) if text else ()


def unusable_limits() -> list[str]:
    """Return a sentence about each setting that can't be read."""
    problems = []
    for name in ("LIFTOS_RATE_LIMIT_KEY", "LIFTOS_RATE_LIMIT_ORGANISATION"):
        try:
            parse_limits(getattr(settings, name))
        except ValueError:
            problems.append(f"{name} is {getattr(settings, name)!r}, which is no limit.")
    return problems


@cache
def _limiter() -> SlidingWindowCounterRateLimiter:
    url = settings.REDIS_URL
    storage: Any = RedisStorage(
        f"redis+{url}" if url.startswith("unix://") else url,
        key_prefix="liftos-limits",
        socket_connect_timeout=0.25,
        socket_timeout=0.25,
    )
    return SlidingWindowCounterRateLimiter(storage)


def count_request(principal: Principal) -> Window | None:
    """Count a request against the limits of its key (or user) and of its organisation.

    Returns:
        What is left, or None where no limit is set or Redis is away.

    Raises:
        TooManyRequests: one of the limits is used up; a request that is refused is not counted against any of them.
    """
    organisation = str(principal.organisation)
    applies = [
        *_named(
            "key", settings.LIFTOS_RATE_LIMIT_KEY, (organisation, principal.actor.kind, principal.actor.id)
        ),
        *_named("organisation", settings.LIFTOS_RATE_LIMIT_ORGANISATION, (organisation,)),
    ]
    if not applies:
        return None
    try:
        return _count(applies)
    except RedisError as error:
        logger.warning(
            "requests are not counted: Redis is not available", extra={"error": type(error).__name__}
        )
        return None


def _named(
    what: str, text: str, whose: tuple[str, ...]
) -> Iterable[tuple[str, RateLimitItem, tuple[str, ...]]]:
    return ((what, item, (what, *whose)) for item in parse_limits(text))


def _count(applies: list[tuple[str, RateLimitItem, tuple[str, ...]]]) -> Window:
    limiter, now = _limiter(), time()
    for what, item, whose in applies:
        if not limiter.test(item, *whose):
            reset = max(1, ceil(limiter.get_window_stats(item, *whose).reset_time - now))
            raise TooManyRequests(
                f"This {what} may send {item.amount} requests in {item.get_expiry()} seconds.",
                retry_after=reset,
            )
    windows = []
    for what, item, whose in applies:
        # between the test and here others may have used it up
        if not limiter.hit(item, *whose):
            raise TooManyRequests(
                f"This {what} may send {item.amount} requests in {item.get_expiry()} seconds.", retry_after=1
            )
        stats = limiter.get_window_stats(item, *whose)
        windows.append(Window(item.amount, stats.remaining, max(0, ceil(stats.reset_time - now))))
    return min(windows, key=lambda window: window.remaining)
