"""Appending to a tree given only its right edge."""

from collections.abc import Sequence
from hashlib import sha256

from accountability.merkle.hashes import EMPTY_ROOT, check_hashes, fold
from accountability.merkle.ranges import NodeKey, cover


def edge_nodes(size: int) -> list[NodeKey]:
    """Return the perfect nodes that make up the tree of `size` leaves, largest first: one per set bit.

    Raises:
        ValueError: a negative size.
    """
    if size < 0:
        raise ValueError("size must not be negative")
    return cover((0, size))


def edge_root(edge: Sequence[bytes]) -> bytes:
    """Return the root of the tree whose `edge_nodes` hash to `edge`, largest first; `EMPTY_ROOT` for none."""
    return fold(edge) if edge else EMPTY_ROOT


def append_nodes(
    edge: Sequence[bytes], size: int, new_leaf_hashes: Sequence[bytes]
) -> tuple[list[bytes], list[tuple[int, int, bytes]]]:
    """Append leaves and return the new edge with every perfect node completed; existing nodes never change.

    Args:
        edge: hashes of the `edge_nodes` of the current tree, largest first.
        size: of the current tree.
        new_leaf_hashes: 32 bytes each, in log order.

    Returns:
        The edge of the new tree, and `(level, index, hash)` of every completed node, including the new leaves (level 0),
        by level and index.

    Raises:
        ValueError: a negative size, an edge of another size, or a hash that is not 32 bytes.

    Cost: fewer than len(new_leaf_hashes) + len(edge) hashes.
    """
    if size < 0 or len(edge) != size.bit_count():
        raise ValueError("the edge must have one hash per set bit of size")
    check_hashes(edge)
    check_hashes(new_leaf_hashes)
    waiting, row, start, level = list(edge), list(new_leaf_hashes), size, 0
    new_edge: list[bytes] = []
    nodes: list[tuple[int, int, bytes]] = []
    while row or start:
        nodes += [(level, start + place, digest) for place, digest in enumerate(row)]
        if start & 1:  # the edge's node at this level is the left sibling of the first
            row.insert(0, waiting.pop())
        if len(row) & 1:
            new_edge.append(row.pop())
        row = [
            sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)
        ]
        start, level = start >> 1, level + 1
    new_edge.reverse()
    return new_edge, nodes
