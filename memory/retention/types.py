"""Retention rules. No Django."""

from dataclasses import dataclass
from enum import StrEnum


class RetentionAction(StrEnum):
    """The end of memories that were kept long enough."""

    EXPIRE = "expire"
    ERASE = "erase"


@dataclass(frozen=True, slots=True)
class RuleDraft:
    """A rule for memories of a type, a source and an access scope, None for all."""

    name: str
    ttl_seconds: float
    action: RetentionAction = RetentionAction.EXPIRE
    memory_type: str | None = None
    source: str | None = None
    of_scope: int | None = None
