"""Verifying proofs: False for anything that does not verify, TypeError for arguments of the wrong type."""

from collections.abc import Iterable, Sequence

from accountability.merkle.hashes import EMPTY_ROOT, are_hashes, node_hash


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Iterable[bytes] | None, root: bytes
) -> bool:
    """Return whether `proof` shows the leaf hash to be leaf `index` of the tree of `size` leaves with this root.

    Args:
        leaf_hash: of the leaf in question.
        index: the leaf's place, from 0.
        size: of the tree.
        proof: from `inclusion_proof`, any iterable; None is the empty proof, which JSON often writes as null.
        root: of the tree.

    Returns:
        False for any other proof, and for an index outside the tree. A root does not name its size (neighbouring sizes
        can share a path's shape), so take root and size from one signed checkpoint.

    Raises:
        TypeError: a size or index that is not an int, a hash that is not bytes, a proof that is text or bytes.

    Source: RFC 9162 section 2.1.3.2.
    """
    proof = _path(proof)
    _check_types((index, size), (leaf_hash, root, *proof))
    if not 0 <= index < size or not are_hashes((leaf_hash, root, *proof)):
        return False
    place, last, reached = index, size - 1, leaf_hash
    for sibling in proof:
        if last == 0:  # the proof continues above the root
            return False
        if place & 1 or place == last:
            reached = node_hash(sibling, reached)
            # a node at the right edge without a sibling moves up unhashed
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            reached = node_hash(reached, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and reached == root


def verify_consistency(
    size1: int, size2: int, proof: Iterable[bytes] | None, root1: bytes, root2: bytes
) -> bool:
    """Return whether `proof` shows the tree of `size2` leaves to begin with the tree of `size1` leaves.

    Args:
        size1: of the older tree.
        size2: of the newer tree.
        proof: from `consistency_proof`, any iterable; None is the empty proof.
        root1: of the older tree.
        root2: of the newer tree.

    Returns:
        False for any other proof. Trees of equal size are consistent when their roots are equal and the proof is empty;
        size 0 verifies only with `EMPTY_ROOT` (section 2.1.1). Some published vectors accept equal sizes whatever the
        roots; here a root must be 32 bytes. size1 = 0 < size2 is False, as in the RFC (0 < size1) and the published vectors.
        Take each root and its size from one signed checkpoint.

    Raises:
        TypeError: a size that is not an int, a hash that is not bytes, a proof that is text or bytes.

    Source: RFC 9162 section 2.1.4.2.
    """
    proof = _path(proof)
    _check_types((size1, size2), (root1, root2, *proof))
    if not are_hashes((root1, root2, *proof)):
        return False
    if size1 == size2:
        return size1 >= 0 and not proof and root1 == root2 and (size1 > 0 or root1 == EMPTY_ROOT)
    if not 0 < size1 < size2 or not proof:
        return False
    place, last = size1 - 1, size2 - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    # a perfect older tree is itself the first node, which the proof leaves out
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


def _path(proof: Iterable[bytes] | None) -> tuple[bytes, ...]:
    """Return a proof as a tuple, since the checks would exhaust an iterator."""
    if isinstance(proof, str | bytes | bytearray | memoryview):
        raise TypeError("a proof must be a sequence of hashes")
    return () if proof is None else tuple(proof)


def _check_types(sizes: Sequence[int], hashes: Sequence[bytes]) -> None:
    # bool is a subclass of int: True would be size 1
    if not all(isinstance(size, int) and not isinstance(size, bool) for size in sizes):
        raise TypeError("sizes and indexes must be int")
    if not all(isinstance(digest, bytes) for digest in hashes):
        raise TypeError("hashes must be bytes")
