"""How long memories of a type are to be believed: LIFTOS_MEMORY_TTL."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone


def expiry_of(memory_type: str) -> datetime | None:
    """Return when a memory of this type that is stored now expires; None for never."""
    seconds = settings.LIFTOS_MEMORY_TTL.get(memory_type)
    return None if seconds is None else timezone.now() + timedelta(seconds=seconds)


def problems() -> list[str]:
    """Return what is wrong with the setting."""
    ttl = settings.LIFTOS_MEMORY_TTL
    if not isinstance(ttl, dict):
        return ["LIFTOS_MEMORY_TTL must be a JSON object of memory types and seconds."]
    return [
        f"LIFTOS_MEMORY_TTL: the seconds of {name!r} must be a positive number of at most ten thousand days."
        for name, seconds in ttl.items()
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 864_000_000
    ]
