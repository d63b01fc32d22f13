"""The headers RateLimit-Policy and RateLimit, which tell quotas and what is left of them.

Source: draft-ietf-httpapi-ratelimit-headers-10. A quota without a window, such as that of stored memories, has no `w` and `t`.
"""

import re
from contextvars import ContextVar
from dataclasses import dataclass

_UNITS = {"bytes": ';qu="content-bytes"'}
_UNSAFE = re.compile(r"[^\x20-\x7e]|[\"\\]")


@dataclass(frozen=True, slots=True)
class Allowance:
    """The rest of a quota after a request.

    Attributes:
        name: of the quota.
        whose: the organisation's, a principal's or a caller's.
        limit: in all.
        remaining: left, not below 0.
        window: seconds; None if it does not renew.
        reset: seconds until more is available.
    """

    name: str
    whose: str
    limit: int
    remaining: int
    window: int | None = None
    reset: int = 0


_told: ContextVar[tuple[Allowance, ...]] = ContextVar("liftos_allowances", default=())


def begin() -> None:
    """Forget what an earlier request was told."""
    _told.set(())


def tell(allowance: Allowance) -> None:
    """Add an allowance to the response; a later one of the same quota replaces it."""
    others = tuple(
        each for each in _told.get() if (each.name, each.whose) != (allowance.name, allowance.whose)
    )
    _told.set((*others, allowance))


def as_headers() -> dict[str, str]:
    """Return the headers of this request, none if no quota applied."""
    told = _told.get()
    if not told:
        return {}
    policies, limits = [], []
    for each in told:
        name = f'"{each.name}-{_UNSAFE.sub("?", each.whose)}"'
        window = "" if each.window is None else f";w={each.window}"
        reset = "" if each.window is None else f";t={each.reset}"
        policies.append(f"{name};q={each.limit}{_UNITS.get(each.name, '')}{window}")
        limits.append(f"{name};r={max(0, each.remaining)}{reset}")
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(limits)}
