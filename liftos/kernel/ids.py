"""Identifiers."""

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    """Return a time-ordered UUID version 7 (RFC 9562): unique everywhere, ascending, so B-trees stay dense."""
    return uuid_utils.compat.uuid7()
