"""Rate limits per key and organisation, counted in Redis across all processes. Costly requests count as several.

The window slides (the previous window's count is weighted by its overlap with the last period); implemented by the library
`limits`. While Redis is unavailable, no request is refused: the limits protect the service from overload only.

How many: LIFTOS_RATE_LIMIT_KEY and LIFTOS_RATE_LIMIT_ORGANISATION; their defaults are in `liftos/runtime/environment.py`.
"""

import logging
import math
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from math import ceil
from time import time
from typing import Any

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerDay, parse_many
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.errors import LiftosError
from liftos.kernel.tenancy.types import Principal

_DAY = 86_400
logger = logging.getLogger("liftos.limits")


class TooManyRequests(LiftosError):
    """Too many requests; try again later."""

    code = "liftos.rate_limited"
    status = 429

    def __init__(self, message: str | None = None, *, retry_after: int) -> None:
        """Create an error; `retry_after` is in seconds."""
        self.retry_after = retry_after
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class _Applied:
    """A limit as it applies to somebody.

    Attributes:
        what: a key, an organisation.
        item: the limit.
        whose: what it is counted under.
    """

    what: str
    item: RateLimitItem
    whose: tuple[str, ...]

    @property
    def key(self) -> tuple[str, tuple[str, ...]]:
        """Identifies the limit and its owner."""
        return str(self.item), self.whose

    @property
    def step(self) -> int:
        """The count in this process at which Redis is updated: a hundredth of the limit."""
        return max(1, self.item.amount // 100)


@dataclass(frozen=True, slots=True)
class Window:
    """The state of the most exhausted limit.

    Attributes:
        limit: requests per window.
        remaining: requests left in it.
        reset: seconds until more are available.
    """

    limit: int
    remaining: int
    reset: int

    def as_headers(self) -> dict[str, str]:
        """Return the X-RateLimit-… response headers."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


class _Tally:
    """Requests counted in this process and not yet reported to Redis; thread-safe.

    A Redis call costs a request 0.2 ms, so far from the limit a process reports only once per hundredth of it. N processes
    together may exceed the limit by at most N hundredths.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # by limit and owner: unreported count, remaining requests at the last report, end of the window
        self._known: LruTtlCache[tuple[str, tuple[str, ...]], tuple[int, int, float]] = LruTtlCache(
            10_000, math.inf
        )

    def add(self, applied: _Applied, cost: int) -> int:
        """Count `cost`; return the count to report to Redis now, or 0."""
        with self._lock:
            owed, left, ends = self._known.get(applied.key) or (0, 0, 0.0)
            owed += cost
            self._known.put(applied.key, (owed, left, ends))
            return owed if owed >= applied.step or owed > left or time() >= ends else 0

    def take_back(self, applied: _Applied, cost: int) -> None:
        """Uncount a refused request."""
        with self._lock:
            owed, left, ends = self._known.get(applied.key) or (0, 0, 0.0)
            self._known.put(applied.key, (max(0, owed - min(cost, applied.item.amount)), left, ends))

    def settle(self, applied: _Applied, told: int, stats: Any) -> None:
        """Subtract a reported count and store Redis's state of the limit."""
        with self._lock:
            owed = (self._known.get(applied.key) or (told, 0, 0.0))[0]
            self._known.put(applied.key, (max(0, owed - told), stats.remaining, stats.reset_time))

    def window(self, applied: _Applied) -> Window:
        """Return the state of a limit as known to this process."""
        owed, left, ends = self._known.get(applied.key) or (0, applied.item.amount, 0.0)
        return Window(applied.item.amount, max(0, left - owed), max(0, ceil(ends - time())))

    def clear(self) -> None:
        """Discard all counts."""
        self._known.clear()


_tally = _Tally()


@cache
def parse_limits(text: str) -> tuple[RateLimitItem, ...]:
    """Return the limits in a setting: `600/minute`, `20/second;100000/day`, or `none`.

    Raises:
        ValueError: invalid syntax.
    """
    return tuple(parse_many(text)) if text not in {"", "none"} else ()


def unusable_limits() -> list[str]:
    """Return an error message for each invalid setting."""
    problems = []
    for name in ("LIFTOS_RATE_LIMIT_KEY", "LIFTOS_RATE_LIMIT_ORGANISATION"):
        try:
            parse_limits(getattr(settings, name))
        except ValueError:
            problems.append(f"{name} is {getattr(settings, name)!r}, which is not a valid rate limit.")
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


def count_request(principal: Principal, cost: int = 1) -> Window | None:
    """Count a request against the limits of its key (or user) and organisation.

    Args:
        principal: the caller.
        cost: number of ordinary requests it counts as, at most the whole limit.

    Returns:
        The most exhausted limit, or None if no limit is set or Redis is unavailable.

    Raises:
        TooManyRequests: a limit is exhausted; refused requests are not counted against any limit.
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
        return _count(applies, cost)
    except RedisError as error:
        logger.warning(
            "requests are not counted: Redis is not available", extra={"error": type(error).__name__}
        )
        return None


def count_use(what: str, whose: tuple[str, ...], *, amount: int, cost: int) -> Window | None:
    """Count a use against a limit by the day.

    Args:
        what: is used.
        whose: what it is counted under.
        amount: uses in any 24 hours.
        cost: uses to count.

    Returns:
        The state of the limit, or None if Redis is unavailable.

    Raises:
        TooManyRequests: the limit leaves no room for them; none is counted.
    """
    if cost > amount:
        raise TooManyRequests(retry_after=_DAY)
    try:
        return _count([_Applied(what, RateLimitItemPerDay(amount), (what, *whose))], cost)
    except RedisError as error:
        logger.warning("uses are not counted: Redis is not available", extra={"error": type(error).__name__})
        return None


def _named(what: str, text: str, whose: tuple[str, ...]) -> Iterable[_Applied]:
    return (_Applied(what, item, (what, *whose)) for item in parse_limits(text))


def _count(applies: list[_Applied], cost: int) -> Window:
    due = [(each, _tally.add(each, min(cost, each.item.amount))) for each in applies]
    asking = [(each, owed) for each, owed in due if owed]
    try:
        for each, owed in asking:
            if not _limiter().test(each.item, *each.whose, cost=owed):
                raise _refusal(each)
        for each, owed in asking:
            # others may have exhausted it since the test
            if not _limiter().hit(each.item, *each.whose, cost=owed):
                raise _refusal(each)
            _tally.settle(each, owed, _limiter().get_window_stats(each.item, *each.whose))
    except TooManyRequests:
        for each in applies:
            _tally.take_back(each, cost)
        raise
    return min((_tally.window(each) for each in applies), key=lambda window: window.remaining)


def _refusal(applied: _Applied) -> TooManyRequests:
    stats = _limiter().get_window_stats(applied.item, *applied.whose)
    return TooManyRequests(
        f"This {applied.what} may send {applied.item.amount} requests in {applied.item.get_expiry()} seconds.",
        retry_after=max(1, ceil(stats.reset_time - time())),
    )


def _after_fork() -> None:
    """Start with new counts in a child: the lock may have been held, and the parent reports its own counts."""
    global _tally
    _tally = _Tally()


os.register_at_fork(after_in_child=_after_fork)
