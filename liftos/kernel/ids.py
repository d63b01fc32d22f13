"""Identifiers."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import uuid_utils.compat

LAST_ID = UUID(int=2**128 - 1)
"""The highest id, from which lists begin that show the newest first."""


def new_id() -> UUID:
    """Return a time-ordered UUID version 7 (RFC 9562): unique everywhere, ascending, so B-trees stay dense."""
    return uuid_utils.compat.uuid7()


def first_id_at(moment: datetime, later: timedelta = timedelta()) -> UUID:
    """Return the lowest id that `new_id` can return at a time.

    Args:
        moment: aware.
        later: added to it; the sum is clipped to the times that ids hold.
    """
    milliseconds = round((moment.timestamp() + later.total_seconds()) * 1000)
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)


def as_uuid(named: Any) -> UUID | None:
    """Return the UUID that a value is or spells, None if it is none."""
    try:
        return named if isinstance(named, UUID) else UUID(str(named))
    except ValueError:
        return None
