"""Check constraints that several apps' tables have."""

from enum import StrEnum

from django.db import models


def known_values(field: str, words: type[StrEnum], name: str) -> models.CheckConstraint:
    """Return the constraint that a column holds one of an enum's values."""
    condition = models.Q(**{f"{field}__in": [each.value for each in words]})
    return models.CheckConstraint(condition=condition, name=name)
