"""The leaf ranges of a proof, and the perfect nodes that tile a range."""

from collections.abc import Sequence

NodeKey = tuple[int, int]
"""`(level, index)`: covers leaves `index << level` up to `(index + 1) << level`."""
Range = tuple[int, int]


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Return the leaf ranges whose subtree roots are the inclusion proof, in its order."""
    if not 0 <= index < size:
        raise ValueError("index must be within the tree")
    start, end, ranges = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(size1: int, size2: int) -> list[Range]:
    """Return the leaf ranges whose subtree roots are the consistency proof, in its order."""
    if size1 == size2 >= 0:
        return []
    if not 0 < size1 < size2:
        raise ValueError("sizes must be 0 < size1 <= size2")
    start, end, ranges = 0, size2, []
    while end > size1:
        middle = start + _split(end - start)
        if size1 <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    if start:  # else the remaining range is the whole older tree, whose root the verifier has
        ranges.append((start, end))
    return ranges[::-1]


def _split(width: int) -> int:
    """Return the largest power of two below width (at least 2), where RFC 9162 splits a tree."""
    return 1 << (width - 1).bit_length() - 1


def cover(leaves: Range) -> list[NodeKey]:
    """Return the perfect nodes that tile one subtree's leaves, largest first.

    A subtree starts at a multiple of every power of two up to its width, so there is one tile per set bit of the width.
    """
    start, end = leaves
    keys = []
    while start < end:
        level = (end - start).bit_length() - 1
        keys.append((level, start >> level))
        start += 1 << level
    return keys


def covers(ranges: Sequence[Range]) -> list[NodeKey]:
    """Return the perfect nodes of several ranges, in their order."""
    return [key for leaves in ranges for key in cover(leaves)]
