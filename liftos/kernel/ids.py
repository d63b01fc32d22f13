"""Identifiers."""

from typing import Any
from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """Return a time-ordered UUID version 7 (RFC 9562): unique everywhere, ascending, so B-trees stay dense."""
    return uuid_utils.compat.uuid7()


def as_uuid(named: Any) -> UUID | None:
    """Return the UUID that a value is or spells, None if it is none."""
    try:
        return named if isinstance(named, UUID) else UUID(str(named))
    except ValueError:
        return None
