"""What old callers send beside the fields of today: who they act for, and contents that are objects."""

import json
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from liftos.kernel.tenancy.types import Actor, Principal

MAX_USER = 200

User = Annotated[str, Field(max_length=MAX_USER)] | int | None
"""A user's id as callers have it."""


def acting(principal: Principal, user: str | int | None) -> Actor:
    """Return who acts, on behalf of the user that the request names, if no header does."""
    named = "" if user is None else str(user)[:MAX_USER]
    return principal.actor if principal.actor.on_behalf_of else replace(principal.actor, on_behalf_of=named)


def text_of(data: Any) -> str:
    """Return what data says: a text as it is, anything else as its JSON, keys in order."""
    if isinstance(data, str):
        return data
    return json.dumps(data, ensure_ascii=False, sort_keys=True)
