"""Default lifetimes by memory type: LIFTOS_MEMORY_TTL."""

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone


def expiry_of(memory_type: str) -> datetime | None:
    """Return when a memory of a type stored now expires, or None for never."""
    seconds = settings.LIFTOS_MEMORY_TTL.get(memory_type)
    return None if seconds is None else timezone.now() + timedelta(seconds=seconds)


def problems() -> list[str]:
    """Return errors in the setting, for the system check."""
    ttl = settings.LIFTOS_MEMORY_TTL
    if not isinstance(ttl, dict):
        return ["LIFTOS_MEMORY_TTL must be a JSON object that maps memory types to seconds."]
    return [
        f"LIFTOS_MEMORY_TTL: the value of {name!r} must be a number of seconds above 0 and up to 864000000 (10,000 days)."
        for name, seconds in ttl.items()
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 864_000_000
    ]
