"""Merkle tree hashes and proofs of RFC 6962 section 2.1 and RFC 9162 section 2.1, over SHA-256.

Every function takes leaf *hashes* (`leaf_hash` of the data), never the data. A node is named `(level, index)`: it is
perfect, covers leaves `index << level` up to `(index + 1) << level`, and level 0 is the leaf hashes. Hashes are 32 bytes.

Proof makers raise ValueError for arguments that name no proof. Verifiers answer False for whatever does not verify,
malformed hashes and sizes included, and raise only TypeError, for arguments of another type (a bool is no size).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

NodeKey = tuple[int, int]
Get = Callable[[list[NodeKey]], Mapping[NodeKey, bytes]]
_Range = tuple[int, int]


def leaf_hash(data: bytes) -> bytes:
    """Return SHA-256(0x00 || data), the hash of a leaf (RFC 9162 section 2.1.1)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right), the hash of an inner node (RFC 9162 section 2.1.1)."""
    return sha256(b"\x01" + left + right).digest()


def root_hash(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root of the tree over leaf hashes, `EMPTY_ROOT` for none.

    Args:
        leaf_hashes: in log order, already hashed with `leaf_hash`; 32 bytes each.

    Raises:
        TypeError: a hash that is no bytes.
        ValueError: a hash that is not 32 bytes.

    Source: RFC 9162 section 2.1.1. Cost: len(leaf_hashes) - 1 hashes.
    """
    _check_hashes(leaf_hashes)
    return _tree(leaf_hashes)


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int, size: int | None = None) -> list[bytes]:
    """Return the path from a leaf to the root, nearest the leaf first.

    Args:
        leaf_hashes: 32 bytes each, at least `size` of them.
        index: the leaf's place, from 0.
        size: of the tree the proof is for; all leaves when left out.

    Returns:
        At most ceil(log2(size)) hashes.

    Raises:
        ValueError: not 0 <= index < size <= len(leaf_hashes), or a hash that is not 32 bytes.

    Source: RFC 9162 section 2.1.3.1. Cost: at most size - 1 hashes; `inclusion_from_nodes` needs O(log size).
    """
    size = _check_size(leaf_hashes, size)
    return [_tree(leaf_hashes[start:end]) for start, end in _inclusion_ranges(index, size)]


def consistency_proof(leaf_hashes: Sequence[bytes], size1: int, size2: int | None = None) -> list[bytes]:
    """Return the proof that the tree of `size2` leaves begins with the tree of `size1` leaves.

    Args:
        leaf_hashes: 32 bytes each, at least `size2` of them.
        size1: of the older tree.
        size2: of the newer tree; all leaves when left out.

    Returns:
        At most ceil(log2(size2)) + 1 hashes; none when the sizes are equal.

    Raises:
        ValueError: not 0 < size1 <= size2 <= len(leaf_hashes) (equal zeros are allowed: every log begins with the
            empty one, so there is nothing to prove), or a hash that is not 32 bytes.

    Source: RFC 9162 section 2.1.4.1. Cost: at most size2 - 1 hashes; `consistency_from_nodes` needs O(log size2).
    """
    size2 = _check_size(leaf_hashes, size2)
    return [_tree(leaf_hashes[start:end]) for start, end in _consistency_ranges(size1, size2)]


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Iterable[bytes] | None, root: bytes
) -> bool:
    """Say whether `proof` shows the leaf hash to be leaf `index` of the tree of `size` leaves with this root.

    Args:
        leaf_hash: of the leaf in question.
        index: the leaf's place, from 0.
        size: of the tree.
        proof: as `inclusion_proof` makes it, in any iterable; None is the empty one, which JSON often writes as null.
        root: of the tree.

    Returns:
        False for any other proof, and for an index outside the tree. A root does not name its size (neighbouring sizes
        can share a path's shape), so take root and size from one signed checkpoint.

    Raises:
        TypeError: a size or index that is no int, a hash that is no bytes, a proof that is text or bytes.

    Source: RFC 9162 section 2.1.3.2.
    """
    proof = _path(proof)
    _check_types((index, size), (leaf_hash, root, *proof))
    if not 0 <= index < size or not _are_hashes((leaf_hash, root, *proof)):
        return False
    place, last, reached = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:  # the proof goes on above the root
            return False
        if place & 1 or place == last:
            reached = node_hash(sibling, reached)
            # a node at the right edge without a sibling rises unhashed
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            reached = node_hash(reached, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and reached == root


def verify_consistency(
    size1: int, size2: int, proof: Iterable[bytes] | None, root1: bytes, root2: bytes
) -> bool:
    """Say whether `proof` shows the tree of `size2` leaves to begin with the tree of `size1` leaves.

    Args:
        size1: of the older tree.
        size2: of the newer tree.
        proof: as `consistency_proof` makes it, in any iterable; None is the empty one.
        root1: of the older tree.
        root2: of the newer tree.

    Returns:
        False for any other proof. Trees of equal size are consistent when their roots are equal and the proof is empty;
        those of size 0 have one root, `EMPTY_ROOT` (section 2.1.1), and verify with no other. Some published vectors
        compare equal sizes without looking at the roots; here a root is 32 bytes always. The empty tree says nothing of a
        larger one, so size1 = 0 < size2 is False, as the RFC's 0 < size1 and the published vectors have it. Take each
        root and its size from one signed checkpoint.

    Raises:
        TypeError: a size that is no int, a hash that is no bytes, a proof that is text or bytes.

    Source: RFC 9162 section 2.1.4.2.
    """
    proof = _path(proof)
    _check_types((size1, size2), (root1, root2, *proof))
    if not _are_hashes((root1, root2, *proof)):
        return False
    if size1 == size2:
        return size1 >= 0 and not proof and root1 == root2 and (size1 > 0 or root1 == EMPTY_ROOT)
    if not 0 < size1 < size2 or not proof:
        return False
    place, last = size1 - 1, size2 - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    # a perfect older tree is itself the first node, and the proof leaves it out
    path = list(proof) if place else [root1, *proof]
    older = newer = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            newer = node_hash(newer, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and older == root1 and newer == root2


def proof_nodes_inclusion(index: int, size: int) -> list[NodeKey]:
    """Name the perfect nodes that an inclusion proof is made of, in proof order.

    Returns:
        O(log size) distinct `(level, index)`; those of one right-edge element stand together, largest first.

    Raises:
        ValueError: not 0 <= index < size.
    """
    return _covers(_inclusion_ranges(index, size))


def proof_nodes_consistency(size1: int, size2: int) -> list[NodeKey]:
    """Name the perfect nodes that a consistency proof is made of, in proof order.

    Returns:
        O(log size2) distinct `(level, index)`; none when the sizes are equal.

    Raises:
        ValueError: not 0 < size1 <= size2 (equal zeros are allowed).
    """
    return _covers(_consistency_ranges(size1, size2))


def inclusion_from_nodes(get: Get, index: int, size: int) -> list[bytes]:
    """Return what `inclusion_proof` returns, reading O(log size) stored nodes.

    Args:
        get: given node names, returns their hashes by name; called once, or never when no node is needed.
        index: the leaf's place, from 0.
        size: of the tree; every perfect node within it is stored.

    Raises:
        ValueError: not 0 <= index < size.
        KeyError: `get` left out a node.
    """
    return _from_nodes(get, _inclusion_ranges(index, size))


def consistency_from_nodes(get: Get, size1: int, size2: int) -> list[bytes]:
    """Return what `consistency_proof` returns, reading O(log size2) stored nodes.

    Args:
        get: given node names, returns their hashes by name; called once, or never when no node is needed.
        size1: of the older tree.
        size2: of the newer tree; every perfect node within it is stored.

    Raises:
        ValueError: not 0 < size1 <= size2 (equal zeros are allowed).
        KeyError: `get` left out a node.
    """
    return _from_nodes(get, _consistency_ranges(size1, size2))


def root_from_nodes(get: Get, size: int) -> bytes:
    """Return the root of the tree of `size` leaves, reading at most log2(size) + 1 stored nodes.

    Args:
        get: given node names, returns their hashes by name; called once, or never for the empty tree.
        size: of the tree; every perfect node within it is stored.

    Raises:
        ValueError: a negative size.
        KeyError: `get` left out a node.
    """
    if size < 0:
        raise ValueError("size must not be negative")
    return _from_nodes(get, [(0, size)])[0] if size else EMPTY_ROOT


def edge_nodes(size: int) -> list[NodeKey]:
    """Name the perfect nodes that make up the tree of `size` leaves, largest first: one for each set bit.

    Raises:
        ValueError: a negative size.
    """
    if size < 0:
        raise ValueError("size must not be negative")
    return _cover((0, size))


def edge_root(edge: Sequence[bytes]) -> bytes:
    """Return the root of the tree whose `edge_nodes` hash to `edge`, largest first; `EMPTY_ROOT` for none."""
    return _fold(edge) if edge else EMPTY_ROOT


def append_nodes(
    edge: Sequence[bytes], size: int, new_leaf_hashes: Sequence[bytes]
) -> tuple[list[bytes], list[tuple[int, int, bytes]]]:
    """Append leaves, naming each perfect node that they complete; stored nodes never change.

    Args:
        edge: hashes of the `edge_nodes` of the present tree, largest first.
        size: of the present tree.
        new_leaf_hashes: 32 bytes each, in log order.

    Returns:
        The edge of the new tree, and `(level, index, hash)` of every node it completed, the new leaves (level 0)
        among them, by level and index.

    Raises:
        ValueError: a negative size, an edge that is not of this size, or a hash that is not 32 bytes.

    Cost: fewer than len(new_leaf_hashes) + len(edge) hashes.
    """
    if size < 0 or len(edge) != size.bit_count():
        raise ValueError("the edge has one hash for each set bit of size")
    _check_hashes(edge)
    _check_hashes(new_leaf_hashes)
    waiting, row, start, level = list(edge), list(new_leaf_hashes), size, 0
    new_edge: list[bytes] = []
    nodes: list[tuple[int, int, bytes]] = []
    while row or start:
        nodes += [(level, start + place, digest) for place, digest in enumerate(row)]
        if start & 1:  # the edge's node of this level is the first one's left sibling
            row.insert(0, waiting.pop())
        if len(row) & 1:
            new_edge.append(row.pop())
        row = [
            sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)
        ]
        start, level = start >> 1, level + 1
    new_edge.reverse()
    return new_edge, nodes


def _inclusion_ranges(index: int, size: int) -> list[_Range]:
    """Name the leaf ranges whose subtree roots are the inclusion proof, in its order."""
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


def _consistency_ranges(size1: int, size2: int) -> list[_Range]:
    """Name the leaf ranges whose subtree roots are the consistency proof, in its order."""
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
    """Return the largest power of two below width (at least 2), where RFC 9162 parts a tree."""
    return 1 << (width - 1).bit_length() - 1


def _cover(leaves: _Range) -> list[NodeKey]:
    """Name the perfect nodes that tile one subtree's leaves, largest first.

    A subtree starts at a multiple of every power of two up to its width, so its width's set bits are its tiles.
    """
    start, end = leaves
    keys = []
    while start < end:
        level = (end - start).bit_length() - 1
        keys.append((level, start >> level))
        start += 1 << level
    return keys


def _covers(ranges: Sequence[_Range]) -> list[NodeKey]:
    return [key for leaves in ranges for key in _cover(leaves)]


def _from_nodes(get: Get, ranges: Sequence[_Range]) -> list[bytes]:
    keys = _covers(ranges)
    found = get(keys) if keys else {}
    return [_fold([found[key] for key in _cover(leaves)]) for leaves in ranges]


def _fold(tiles: Sequence[bytes]) -> bytes:
    """Return the root over perfect subtrees of falling size: the small ones at the right join first."""
    root = tiles[-1]
    for tile in tiles[-2::-1]:
        root = node_hash(tile, root)
    return root


def _tree(leaf_hashes: Sequence[bytes]) -> bytes:
    if not leaf_hashes:
        return EMPTY_ROOT
    row = list(leaf_hashes)
    while len(row) > 1:
        # a last node without a sibling rises unhashed, which is the RFC's split at a power of two
        odd = [row.pop()] if len(row) & 1 else []
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)] + odd
    return row[0]


def _check_size(leaf_hashes: Sequence[bytes], size: int | None) -> int:
    _check_hashes(leaf_hashes)
    if size is None:
        return len(leaf_hashes)
    if not 0 <= size <= len(leaf_hashes):
        raise ValueError("size must be within the leaves given")
    return size


def _path(proof: Iterable[bytes] | None) -> tuple[bytes, ...]:
    """Return a proof as a tuple: an iterator would be used up by the checks, and pass for the empty proof."""
    if isinstance(proof, str | bytes | bytearray | memoryview):
        raise TypeError("a proof is a sequence of hashes")
    return () if proof is None else tuple(proof)


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if not all(isinstance(digest, bytes) for digest in hashes):
        raise TypeError("hashes are bytes")
    if not _are_hashes(hashes):
        raise ValueError(f"a hash is {HASH_BYTES} bytes")


def _are_hashes(hashes: Sequence[bytes]) -> bool:
    return all(len(digest) == HASH_BYTES for digest in hashes)


def _check_types(sizes: Sequence[int], hashes: Sequence[bytes]) -> None:
    # True is an int to Python, and would be the size 1
    if not all(isinstance(size, int) and not isinstance(size, bool) for size in sizes):
        raise TypeError("sizes and indexes are int")
    if not all(isinstance(digest, bytes) for digest in hashes):
        raise TypeError("hashes are bytes")
