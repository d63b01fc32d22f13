"""Hashes of leaves, of inner nodes and of whole trees (RFC 9162 section 2.1.1)."""

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


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
        TypeError: a hash that is not bytes.
        ValueError: a hash that is not 32 bytes.

    Source: RFC 9162 section 2.1.1. Cost: len(leaf_hashes) - 1 hashes.
    """
    check_hashes(leaf_hashes)
    return tree(leaf_hashes)


def tree(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root over hashes that have been checked."""
    if not leaf_hashes:
        return EMPTY_ROOT
    row = list(leaf_hashes)
    while len(row) > 1:
        # a last node without a sibling moves up unhashed, equivalent to the RFC's split at a power of two
        odd = [row.pop()] if len(row) & 1 else []
        row = [node_hash(left, right) for left, right in zip(row[::2], row[1::2], strict=True)] + odd
    return row[0]


def fold(tiles: Sequence[bytes]) -> bytes:
    """Return the root over perfect subtrees of decreasing size, joined from the right."""
    root = tiles[-1]
    for tile in tiles[-2::-1]:
        root = node_hash(tile, root)
    return root


def check_hashes(hashes: Sequence[bytes]) -> None:
    """Check that all are hashes.

    Raises:
        TypeError: one is not bytes.
        ValueError: one is not 32 bytes.
    """
    if not all(isinstance(digest, bytes) for digest in hashes):
        raise TypeError("hashes must be bytes")
    if not are_hashes(hashes):
        raise ValueError(f"a hash must be {HASH_BYTES} bytes")


def are_hashes(hashes: Sequence[bytes]) -> bool:
    """Return whether each has the length of a hash."""
    return all(len(digest) == HASH_BYTES for digest in hashes)
