"""Enforce quotas: on memories and bytes where stores commit, on searches where they run."""

from collections.abc import Sequence
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.http.limits import TooManyRequests, count_use
from liftos.kernel.http.quota_headers import Allowance, tell
from liftos.kernel.tenancy.types import Actor
from memory.quotas.errors import QuotaExceeded
from memory.quotas.known import quotas_of
from memory.quotas.statements import USAGE
from memory.quotas.types import Quota, Usage

DAY = 86_400


def read_usage(organisation: UUID, owners: Sequence[str]) -> dict[str, Usage]:
    """Return what owners have stored, inside the caller's tenant transaction; nothing for those who never stored."""
    rows = raw_cursor().execute(USAGE, [organisation, list(owners)]).fetchall()
    return {whose: Usage(max(0, memories), max(0, size)) for whose, memories, size in rows}


def over_quota(organisation: UUID, by: Actor, sizes: Sequence[int]) -> dict[int, QuotaExceeded]:
    """Return which new memories the quotas leave no room for, with the reason, by their place.

    Stores that run at the same moment do not see each other's memories, so together they may exceed a quota by what they store:
    they never wait for each other.

    Args:
        organisation: the tenant.
        by: who stores.
        sizes: bytes of each new memory, in order.
    """
    limited = [(whose, quota) for whose, quota in quotas_of(organisation, by) if quota.limits_storage]
    if not limited or not sizes:
        return {}
    usage = read_usage(organisation, [whose for whose, _ in limited])
    refused: dict[int, QuotaExceeded] = {}
    count = total = 0
    for place, size in enumerate(sizes):
        for whose, quota in limited:
            used = usage.get(whose, Usage())
            error = _exceeded(whose, quota, used.memories + count, used.bytes + total, size)
            if error is not None:
                refused[place] = error
                break
        else:
            count, total = count + 1, total + size
    for whose, quota in limited:
        used = usage.get(whose, Usage())
        if quota.memories is not None:
            tell(Allowance("memories", whose, quota.memories, quota.memories - used.memories - count))
        if quota.bytes is not None:
            tell(Allowance("bytes", whose, quota.bytes, quota.bytes - used.bytes - total))
    return refused


def refuse_growth(organisation: UUID, by: Actor, growth: int) -> None:
    """Refuse a change that makes a memory larger than the quotas leave room for; inside the tenant transaction.

    Raises:
        QuotaExceeded: there is no room.
    """
    limited = [(whose, quota) for whose, quota in quotas_of(organisation, by) if quota.bytes is not None]
    if growth <= 0 or not limited:
        return
    usage = read_usage(organisation, [whose for whose, _ in limited])
    for whose, quota in limited:
        used = usage.get(whose, Usage()).bytes
        if quota.bytes is not None and used + growth > quota.bytes:
            raise QuotaExceeded(name="bytes", whose=whose, limit=quota.bytes, used=used)


def spend_searches(organisation: UUID, by: Actor, count: int) -> None:
    """Count searches against the quotas; in Redis, without a round trip far from the limit.

    Raises:
        QuotaExceeded: a quota is exhausted; nothing is counted then.
    """
    for whose, quota in quotas_of(organisation, by):
        limit = quota.searches_per_day
        if limit is None:
            continue
        try:
            window = count_use("searches", (str(organisation), whose), amount=limit, cost=count)
        except TooManyRequests as error:
            tell(Allowance("searches", whose, limit, 0, DAY, error.retry_after))
            raise QuotaExceeded(
                name="searches_per_day", whose=whose, limit=limit, used=limit, retry_after=error.retry_after
            ) from error
        if window is not None:
            tell(Allowance("searches", whose, limit, window.remaining, DAY, window.reset))


def _exceeded(whose: str, quota: Quota, memories: int, used: int, size: int) -> QuotaExceeded | None:
    if quota.memories is not None and memories + 1 > quota.memories:
        return QuotaExceeded(name="memories", whose=whose, limit=quota.memories, used=memories)
    if quota.bytes is not None and used + size > quota.bytes:
        return QuotaExceeded(name="bytes", whose=whose, limit=quota.bytes, used=used)
    return None
