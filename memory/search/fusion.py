"""The scale on which arms are added. Pure."""

from collections.abc import Mapping

from memory.search.types import Key


def scale_from_floor(scores: Mapping[Key, float], floor: float) -> dict[Key, float]:
    """Return figures mapped so that `floor` becomes 0 and the best becomes 1; what lies below the floor becomes 0."""
    best = max(scores.values(), default=floor)
    width = best - floor
    if width <= 0:
        return dict.fromkeys(scores, 0.0)
    return {key: max(0.0, (value - floor) / width) for key, value in scores.items()}
