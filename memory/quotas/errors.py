"""Errors of quotas."""

from typing import Any

from liftos.kernel.errors import InvalidInput
from liftos.kernel.http.limits import TooManyRequests

HOUR = 3_600


class QuotaExceeded(TooManyRequests):
    """A quota is exhausted."""

    code = "memory.quota_exceeded"

    def __init__(self, *, name: str, whose: str, limit: int, used: int, retry_after: int = HOUR) -> None:
        """Name the quota."""
        self.quota = {"name": name, "whose": whose, "limit": limit, "used": used}
        super().__init__(
            f"The quota of {limit:,} {name.replace('_', ' ')} is exhausted ({whose}).",
            retry_after=retry_after,
        )

    @property
    def extensions(self) -> dict[str, Any]:
        """Return further members of the problem details."""
        return {"quota": self.quota}


class UnknownOwner(InvalidInput):
    """A quota is `organisation`'s, a `principal:`'s by name or id, or an actor's, such as `api_key:<id>` or `gateway:<user>`."""

    code = "memory.unknown_quota_owner"
