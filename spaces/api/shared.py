"""Request and response shapes shared by several routes."""

from typing import Any

from pydantic import BaseModel, Field

from spaces.query.questions import Part, shown
from spaces.types import Dimension


class VersionQuery(BaseModel):
    """The version of a space; by default the newest whose positions are ready."""

    version: int | None = Field(default=None, ge=1, le=2_147_483_647)


class Results(BaseModel):
    """Neighbours, clusters or the dimension report."""

    results: list[dict[str, Any]]
    next: None


def parts_out(
    parts: list[Part], dimensions: tuple[Dimension, ...], names: tuple[str, str]
) -> list[dict[str, Any]]:
    """Return two points by dimension, under the given names, JSON-ready."""
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
