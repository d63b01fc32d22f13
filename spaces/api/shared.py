"""Shapes that several resources share."""

from typing import Any

from pydantic import BaseModel, Field

from spaces.query.questions import Part, shown
from spaces.types import Dimension


class VersionQuery(BaseModel):
    """Which version of a space is asked; the newest whose positions are ready if none is named."""

    version: int | None = Field(default=None, ge=1, le=2_147_483_647)


class Results(BaseModel):
    """Neighbours, clusters or the dimension report."""

    results: list[dict[str, Any]]
    next: None


def parts_out(
    parts: list[Part], dimensions: tuple[Dimension, ...], names: tuple[str, str]
) -> list[dict[str, Any]]:
    """Return two places dimension by dimension, under the names of the two."""
    return [
        {
            "name": part.name,
            names[0]: shown(part.first, each),
            names[1]: shown(part.second, each),
            "difference": part.difference,
            "weight": part.weight,
        }
        for part, each in zip(parts, dimensions, strict=True)
    ]
