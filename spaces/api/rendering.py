"""Spaces as JSON-ready values."""

from collections.abc import Sequence
from typing import Any

from liftos.kernel.tenancy.types import Principal, Scope
from spaces.models import Concept, ConceptRelation, Layout, Space, SpaceVersion
from spaces.query.questions import Standing, shown
from spaces.types import Coordinate, Dimension


def dimension_out(each: Dimension) -> dict[str, Any]:
    """Return a dimension."""
    return {
        "name": each.name,
        "kind": each.kind,
        "description": each.description,
        "unit": each.unit,
        "low": [*each.low, *({"memory_id": str(memory)} for memory in each.low_memories)],
        "high": [*each.high, *({"memory_id": str(memory)} for memory in each.high_memories)],
        "examples": [
            {"value": example.value}
            | ({"memory_id": str(example.memory)} if example.memory else {"text": example.text})
            for example in each.examples
        ],
        "field": each.field or None,
        "scale": str(each.scale),
        "range": list(each.range),
        "levels": list(each.levels),
        "weight": each.weight,
        "domain": each.domain or None,
    }


def layout_out(layout: Layout) -> dict[str, Any]:
    """Return how far a layout is."""
    return {"state": str(layout.state), "done": layout.done, "total": layout.total}


def space_out(
    space: Space, version: SpaceVersion, dimensions: Sequence[Dimension], concepts: int, relations: int
) -> dict[str, Any]:
    """Return a space in one version."""
    return {
        "id": str(space.id),
        "name": space.name,
        "description": space.description,
        "version": version.number,
        "newest_version": space.version,
        "holds_all": space.holds_all,
        "is_default": space.is_default,
        "dimensions": [dimension_out(each) for each in dimensions],
        "positions": layout_out(version.layout),
        "concepts_count": concepts,
        "relations_count": relations,
        "created_at": space.created_at.isoformat(),
        "updated_at": space.updated_at.isoformat(),
    }


def coordinates_out(
    coordinates: dict[str, Coordinate], dimensions: Sequence[Dimension]
) -> dict[str, dict[str, Any]]:
    """Return a memory's coordinates by dimension."""
    return {
        each.name: {
            "value": shown(found.value, each),
            "source": found.source.name.lower(),
            "confidence": round(found.confidence, 6),
        }
        for each in dimensions
        if (found := coordinates.get(each.name)) is not None
    }


def quoted(content: str, reader: Principal) -> dict[str, Any]:
    """Return a memory's text under `content` for who may read memories; for others null, and `withheld` says why."""
    if reader.may(Scope.MEMORY_READ):
        return {"content": content}
    return {"content": None, "withheld": [str(Scope.MEMORY_READ)]}


def position_out(standing: Standing, dimensions: Sequence[Dimension], reader: Principal) -> dict[str, Any]:
    """Return a memory's position."""
    return {
        "memory_id": str(standing.memory),
        **quoted(standing.content, reader),
        "coordinates": coordinates_out(standing.coordinates, dimensions),
        "coverage": standing.coverage,
    }


def concept_out(concept: Concept, dimensions: Sequence[Dimension]) -> dict[str, Any]:
    """Return a concept; its prototype in the units of the dimensions that there are."""
    by_name = {each.name.casefold(): each for each in dimensions}
    return {
        "id": str(concept.id),
        "name": concept.name,
        "description": concept.description,
        "prototype": {
            name: shown(value, by_name[name.casefold()]) if name.casefold() in by_name else value
            for name, value in concept.prototype.items()
        },
        "weights": concept.weights,
        "radius": concept.radius,
        "examples": [str(each) for each in concept.examples],
        "created_at": concept.created_at.isoformat(),
    }


def relation_out(relation: ConceptRelation) -> dict[str, Any]:
    """Return a relation."""
    return {
        "id": str(relation.id),
        "source": relation.source.name,
        "kind": relation.kind,
        "target": relation.target.name,
        "weight": relation.weight,
    }
