"""Making proofs: from all leaf hashes, or from O(log size) stored nodes."""

from collections.abc import Callable, Mapping, Sequence

from accountability.merkle.hashes import EMPTY_ROOT, check_hashes, fold, tree
from accountability.merkle.ranges import NodeKey, Range, consistency_ranges, cover, covers, inclusion_ranges

Get = Callable[[list[NodeKey]], Mapping[NodeKey, bytes]]
"""Returns the hashes of nodes by name."""


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int, size: int | None = None) -> list[bytes]:
    """Return the path from a leaf to the root, nearest the leaf first.

    Args:
        leaf_hashes: 32 bytes each, at least `size` of them.
        index: the leaf's place, from 0.
        size: of the proof's tree; all leaves when left out.

    Returns:
        At most ceil(log2(size)) hashes.

    Raises:
        ValueError: not 0 <= index < size <= len(leaf_hashes), or a hash that is not 32 bytes.

    Source: RFC 9162 section 2.1.3.1. Cost: at most size - 1 hashes; `inclusion_from_nodes` needs O(log size).
    """
    size = _check_size(leaf_hashes, size)
    return [tree(leaf_hashes[start:end]) for start, end in inclusion_ranges(index, size)]


def consistency_proof(leaf_hashes: Sequence[bytes], size1: int, size2: int | None = None) -> list[bytes]:
    """Return the proof that the tree of `size2` leaves begins with the tree of `size1` leaves.

    Args:
        leaf_hashes: 32 bytes each, at least `size2` of them.
        size1: of the older tree.
        size2: of the newer tree; all leaves when left out.

    Returns:
        At most ceil(log2(size2)) + 1 hashes; none when the sizes are equal.

    Raises:
        ValueError: not 0 < size1 <= size2 <= len(leaf_hashes) (0 and 0 are allowed), or a hash that is not 32 bytes.

    Source: RFC 9162 section 2.1.4.1. Cost: at most size2 - 1 hashes; `consistency_from_nodes` needs O(log size2).
    """
    size2 = _check_size(leaf_hashes, size2)
    return [tree(leaf_hashes[start:end]) for start, end in consistency_ranges(size1, size2)]


def proof_nodes_inclusion(index: int, size: int) -> list[NodeKey]:
    """Return the perfect nodes of an inclusion proof, in proof order.

    Returns:
        O(log size) distinct `(level, index)`; those of one right-edge element are adjacent, largest first.

    Raises:
        ValueError: not 0 <= index < size.
    """
    return covers(inclusion_ranges(index, size))


def proof_nodes_consistency(size1: int, size2: int) -> list[NodeKey]:
    """Return the perfect nodes of a consistency proof, in proof order.

    Returns:
        O(log size2) distinct `(level, index)`; none when the sizes are equal.

    Raises:
        ValueError: not 0 < size1 <= size2 (0 and 0 are allowed).
    """
    return covers(consistency_ranges(size1, size2))


def inclusion_from_nodes(get: Get, index: int, size: int) -> list[bytes]:
    """Return the same as `inclusion_proof`, reading O(log size) stored nodes.

    Args:
        get: returns the hashes of nodes by name; called at most once.
        index: the leaf's place, from 0.
        size: of the tree; every perfect node within it is stored.

    Raises:
        ValueError: not 0 <= index < size.
        KeyError: `get` left out a node.
    """
    return _from_nodes(get, inclusion_ranges(index, size))


def consistency_from_nodes(get: Get, size1: int, size2: int) -> list[bytes]:
    """Return the same as `consistency_proof`, reading O(log size2) stored nodes.

    Args:
        get: returns the hashes of nodes by name; called at most once.
        size1: of the older tree.
        size2: of the newer tree; every perfect node within it is stored.

    Raises:
        ValueError: not 0 < size1 <= size2 (0 and 0 are allowed).
        KeyError: `get` left out a node.
    """
    return _from_nodes(get, consistency_ranges(size1, size2))


def root_from_nodes(get: Get, size: int) -> bytes:
    """Return the root of the tree of `size` leaves, reading at most log2(size) + 1 stored nodes.

    Args:
        get: returns the hashes of nodes by name; called once, never for the empty tree.
        size: of the tree; every perfect node within it is stored.

    Raises:
        ValueError: a negative size.
        KeyError: `get` left out a node.
    """
    if size < 0:
        raise ValueError("size must not be negative")
    return _from_nodes(get, [(0, size)])[0] if size else EMPTY_ROOT


def _from_nodes(get: Get, ranges: Sequence[Range]) -> list[bytes]:
    keys = covers(ranges)
    found = get(keys) if keys else {}
    return [fold([found[key] for key in cover(leaves)]) for leaves in ranges]


def _check_size(leaf_hashes: Sequence[bytes], size: int | None) -> int:
    check_hashes(leaf_hashes)
    if size is None:
        return len(leaf_hashes)
    if not 0 <= size <= len(leaf_hashes):
        raise ValueError("size must not exceed the number of leaf hashes")
    return size
