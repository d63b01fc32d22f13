"""How many requests a key and an organisation may send: counted in Redis, shared by all processes. Costly requests count as many.

A sliding window (the count of the last window weighed by how much of it is still within reach, and that of this one); by the
library `limits`. While Redis is away nobody is refused: the limits protect the service, they are no secret to keep.
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
from limits import RateLimitItem, parse_many
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.errors import LiftosError
from liftos.kernel.tenancy.types import Principal

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
        """What tells it from others."""
        return str(self.item), self.whose

    @property
    def step(self) -> int:
        """How much is counted in this process before Redis is asked: a hundredth of the limit."""
        return max(1, self.item.amount // 100)


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


class _Tally:
    """What this process has counted and Redis does not know yet; safe for threads.

    Asking Redis costs a request 0.2 ms. Whoever is far from a limit is not worth that: a process tells Redis once for each hundredth of the
    limit, so that of N processes together at most N hundredths too many get through.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # by limit and owner: not told yet, what was left at the last telling, and when the window ends
        self._known: LruTtlCache[tuple[str, tuple[str, ...]], tuple[int, int, float]] = LruTtlCache(
            10_000, math.inf
        )

    def add(self, applied: _Applied, cost: int) -> int:
        """Count, and return how much is to be told to Redis now, 0 for nothing."""
        with self._lock:
            owed, left, ends = self._known.get(applied.key) or (0, 0, 0.0)
            owed += cost
            self._known.put(applied.key, (owed, left, ends))
            return owed if owed >= applied.step or owed > left or time() >= ends else 0

    def take_back(self, applied: _Applied, cost: int) -> None:
        """Forget what was refused."""
        with self._lock:
            owed, left, ends = self._known.get(applied.key) or (0, 0, 0.0)
            self._known.put(applied.key, (max(0, owed - min(cost, applied.item.amount)), left, ends))

    def settle(self, applied: _Applied, told: int, stats: Any) -> None:
        """Note that Redis knows, and what it said."""
        with self._lock:
            owed = (self._known.get(applied.key) or (told, 0, 0.0))[0]
            self._known.put(applied.key, (max(0, owed - told), stats.remaining, stats.reset_time))

    def window(self, applied: _Applied) -> Window:
        """Return what is left of a limit, as far as this process knows."""
        owed, left, ends = self._known.get(applied.key) or (0, applied.item.amount, 0.0)
        return Window(applied.item.amount, max(0, left - owed), max(0, ceil(ends - time())))

    def clear(self) -> None:
        """Know nothing."""
        self._known.clear()


_tally = _Tally()


@cache
def parse_limits(text: str) -> tuple[RateLimitItem, ...]:
    """Return limits as the settings write them: `600/minute`, `20/second;100000/day`, `none`.

    Raises:
        ValueError: they can't be read.
    """
    return tuple(parse_many(text)) if text not in {"", "none"} else ()


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


def count_request(principal: Principal, cost: int = 1) -> Window | None:
    """Count a request against the limits of its key (or user) and of its organisation.

    Args:
        principal: whose request.
        cost: how many ordinary requests it stands for; of a limit smaller than that, all.

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
        return _count(applies, cost)
    except RedisError as error:
        logger.warning(
            "requests are not counted: Redis is not available", extra={"error": type(error).__name__}
        )
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
            # between the test and here others may have used it up
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
    """Start afresh in a child: the lock may have been held, and what is owed is the parent's to tell."""
    global _tally
    _tally = _Tally()


os.register_at_fork(after_in_child=_after_fork)
