"""Merkle tree hashes and proofs of RFC 6962 section 2.1 and RFC 9162 section 2.1, over SHA-256.

Every function takes leaf *hashes* (`leaf_hash` of the data), never the data. A node is named `(level, index)`: it is
perfect, covers leaves `index << level` up to `(index + 1) << level`, and level 0 is the leaf hashes. Hashes are 32 bytes.

Functions that make proofs raise ValueError for invalid arguments. Verifiers return False for anything that does not verify,
malformed hashes and sizes included, and raise only TypeError, for arguments of the wrong type (a bool is not a size).
"""

from accountability.merkle.growing import append_nodes, edge_nodes, edge_root
from accountability.merkle.hashes import EMPTY_ROOT, HASH_BYTES, leaf_hash, node_hash, root_hash
from accountability.merkle.proving import (
    Get,
    consistency_from_nodes,
    consistency_proof,
    inclusion_from_nodes,
    inclusion_proof,
    proof_nodes_consistency,
    proof_nodes_inclusion,
    root_from_nodes,
)
from accountability.merkle.ranges import NodeKey
from accountability.merkle.verifying import verify_consistency, verify_inclusion

__all__ = [
    "EMPTY_ROOT", "HASH_BYTES", "Get", "NodeKey", "append_nodes", "consistency_from_nodes", "consistency_proof", "edge_nodes",
    "edge_root", "inclusion_from_nodes", "inclusion_proof", "leaf_hash", "node_hash", "proof_nodes_consistency",
    "proof_nodes_inclusion", "root_from_nodes", "root_hash", "verify_consistency", "verify_inclusion",
]  # fmt: skip
