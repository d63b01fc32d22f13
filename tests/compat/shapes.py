"""Shapes of answers, and where an answer differs from its shape.

A shape is a type or a tuple of types (`bool` is no number here), a frozenset of the values allowed, a dictionary of the fields
that must be there (others may be too), `object` for anything, a list of one shape for each element, or a literal value.
"""

from typing import Any

NUMBER = (int, float)
NOTHING = type(None)
ENVELOPE = ["success", "message", "data", "errors", "metadata"]


def differences(shape: Any, value: Any, place: str = "") -> list[str]:
    """Return a sentence per position where a value differs from a shape."""
    here = place or "the answer"
    if shape is object:
        return []
    if isinstance(shape, (type, tuple)):
        kinds = shape if isinstance(shape, tuple) else (shape,)
        fits = isinstance(value, kinds) and (not isinstance(value, bool) or bool in kinds)
        return (
            []
            if fits
            else [f"{here} is {type(value).__name__}, not {'/'.join(each.__name__ for each in kinds)}"]
        )
    if isinstance(shape, frozenset):
        return [] if value in shape else [f"{here} is {value!r}, not one of {sorted(shape)}"]
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return [f"{here} is {type(value).__name__}, not an object"]
        missing = [f"{_below(place, key)} is missing" for key in shape if key not in value]
        return missing + [
            each
            for key, inner in shape.items()
            if key in value
            for each in differences(inner, value[key], _below(place, key))
        ]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{here} is {type(value).__name__}, not a list"]
        return [
            each
            for number, element in enumerate(value)
            for each in differences(shape[0], element, f"{here}[{number}]")
        ]
    return [] if shape == value and type(shape) is type(value) else [f"{here} is {value!r}, not {shape!r}"]


class Envelope:
    """The original's envelope: its five keys in order, and the values of three."""

    def __init__(self, message: str, data: Any, metadata: Any = None) -> None:
        self.message, self.data, self.metadata = message, data, metadata

    def differences(self, value: Any) -> list[str]:
        """Return a sentence per difference."""
        if not isinstance(value, dict) or list(value) != ENVELOPE:
            return [f"the envelope's keys are {list(value) if isinstance(value, dict) else value!r}"]
        shape = {
            "success": True,
            "message": self.message,
            "data": self.data,
            "errors": None,
            "metadata": self.metadata,
        }
        return differences(shape, value)


def _below(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


RESULT = {
    "id": str,
    "content": str,
    "score": NUMBER,
    "metadata": dict,
    "memory_type": str,
    "timestamp": str,
}
CACHE = {
    "cache_size": int,
    "max_cache_size": int,
    "cache_hits": int,
    "cache_misses": int,
    "total_operations": int,
    "hit_rate": NUMBER,
    "cache_utilization": NUMBER,
}


def search_answer(org: str, search_type: str) -> Envelope:
    """Return the shape of an answer to a search."""
    return Envelope(
        "Enhanced memory search completed",
        {
            "results": [RESULT],
            "count": int,
            "search_type": search_type,
            "duration": float,
            "performance_metrics": {
                "cache_hit_rate": NUMBER,
                "average_operation_time_ms": NUMBER,
                "conceptual_spaces_available": int,
            },
        },
        {"correlation_id": str, "org_id": org, "query_length": int, "enhanced_features": [str]},
    )


def store_answer(org: str, memory_type: str, length: int) -> Envelope:
    """Return the shape of an answer to a store."""
    return Envelope(
        "Enhanced memory storage completed",
        {
            "memory_id": str,
            "memory_type": memory_type,
            "content_length": length,
            "enhanced_features": {
                "embedding_generated": True,
                "conceptual_mapping": bool,
                "cache_optimization": bool,
            },
            "performance_metrics": {"storage_time_ms": NUMBER, "success_rate": NUMBER},
        },
        {"correlation_id": str, "org_id": org, "enhanced_storage": True},
    )
