from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accountability.merkle import (
    EMPTY_ROOT,
    append_nodes,
    consistency_from_nodes,
    consistency_proof,
    edge_nodes,
    edge_root,
    inclusion_from_nodes,
    inclusion_proof,
    leaf_hash,
    node_hash,
    proof_nodes_consistency,
    proof_nodes_inclusion,
    root_from_nodes,
    root_hash,
    verify_consistency,
    verify_inclusion,
)

# the eight leaves that Certificate Transparency implementations test with, and the roots of their first n
LEAVES = [
    bytes.fromhex(data)
    for data in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    bytes.fromhex(root)
    for root in (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
]
LEAF_HASHES = [leaf_hash(data) for data in LEAVES]
OTHER = sha256(b"other").digest()


def hashes(count: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(4)) for number in range(count)]


def mth(leaves: Sequence[bytes]) -> bytes:
    """The root by RFC 9162 section 2.1.1, literally, over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(mth(leaves[:split]), mth(leaves[split:]))


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


class Nodes:
    """A store of perfect nodes that logs its reads."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        _, nodes = append_nodes([], 0, leaves)
        self.stored = {(level, index): digest for level, index, digest in nodes}
        self.calls: list[list[tuple[int, int]]] = []

    def get(self, keys: list[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
        self.calls.append(keys)
        return {key: self.stored[key] for key in keys}


sizes = st.integers(1, 140)
size_and_index = sizes.flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size - 1)))
size_pairs = sizes.flatmap(lambda size: st.tuples(st.integers(1, size), st.just(size)))


# --- published vectors ---


def test_the_empty_tree_hashes_no_bytes():
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_hash([]) == EMPTY_ROOT


def test_leaf_and_node_hashes_have_their_own_prefixes():
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert (
        node_hash(b"N123", b"N456").hex()
        == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"
    )


@pytest.mark.parametrize("size", range(1, 9))
def test_the_known_trees_have_their_known_roots(size):
    assert root_hash(LEAF_HASHES[:size]) == ROOTS[size - 1]


@pytest.mark.parametrize(
    ("index", "size", "proof"),
    [
        (0, 1, []),
        (
            0,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            5,
            8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1,
            5,
            [
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)
def test_known_inclusion_proofs(index, size, proof):
    known = [bytes.fromhex(node) for node in proof]
    assert inclusion_proof(LEAF_HASHES, index, size) == known
    assert verify_inclusion(LEAF_HASHES[index], index, size, known, ROOTS[size - 1])


@pytest.mark.parametrize(
    ("size1", "size2", "proof"),
    [
        (1, 1, []),
        (
            1,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
        (
            6,
            7,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
    ],
)
def test_known_consistency_proofs(size1, size2, proof):
    known = [bytes.fromhex(node) for node in proof]
    assert consistency_proof(LEAF_HASHES, size1, size2) == known
    assert verify_consistency(size1, size2, known, ROOTS[size1 - 1], ROOTS[size2 - 1])


@pytest.mark.parametrize(
    ("size1", "size2", "root1", "root2", "proof", "verifies"),
    [
        (0, 0, EMPTY_ROOT, EMPTY_ROOT, [], True),
        # size 0 has one root, the hash of nothing
        (0, 0, OTHER, OTHER, [], False),
        (0, 0, bytes(32), bytes(32), [], False),
        (0, 0, ROOTS[0], ROOTS[0], [], False),
        (0, 0, b"", b"", [], False),
        (0, 0, b"any", b"any", [], False),
        (0, 0, OTHER, EMPTY_ROOT, [], False),
        (0, 0, EMPTY_ROOT, OTHER, [], False),
        (0, 0, EMPTY_ROOT, EMPTY_ROOT, None, True),
        # no tree has a root of another length
        (1, 1, b"any", b"any", [], False),
        (1, 1, ROOTS[0] + b"\0", ROOTS[0] + b"\0", [], False),
        (1, 1, ROOTS[0], ROOTS[0], [], True),
        (8, 8, ROOTS[7], ROOTS[7], [], True),
        (8, 8, ROOTS[7], ROOTS[6], [], False),
        (8, 8, ROOTS[7], ROOTS[7], [ROOTS[7]], False),
        (0, 0, EMPTY_ROOT, b"another", [], False),
        (1, 1, EMPTY_ROOT, b"another", [], False),
        (0, 0, EMPTY_ROOT, EMPTY_ROOT, [EMPTY_ROOT], False),
        (1, 1, EMPTY_ROOT, EMPTY_ROOT, [EMPTY_ROOT], False),
        (0, 1, EMPTY_ROOT, ROOTS[0], [], False),
        (0, 1, EMPTY_ROOT, EMPTY_ROOT, [EMPTY_ROOT], False),
        (1, 0, ROOTS[0], EMPTY_ROOT, [], False),
        (2, 1, ROOTS[1], ROOTS[0], [], False),
        (1, 2, ROOTS[0], ROOTS[1], [], False),
        (-1, -1, ROOTS[0], ROOTS[0], [], False),
    ],
)
def test_consistency_at_the_edges(size1, size2, root1, root2, proof, verifies):
    assert verify_consistency(size1, size2, proof, root1, root2) is verifies


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 0), (1, 1), (2, 1), (-1, 1), (2**64 - 1, 1)])
def test_index_beyond_the_tree_is_refused(index, size):
    assert not verify_inclusion(ROOTS[0], index, size, [], ROOTS[0])
    assert not verify_inclusion(EMPTY_ROOT, index, size, [], EMPTY_ROOT)


@pytest.mark.parametrize("sequence", [list, tuple])
def test_proof_may_be_any_sequence_and_none_means_empty(sequence):
    proof = sequence(inclusion_proof(LEAF_HASHES, 5, 8))
    assert verify_inclusion(LEAF_HASHES[5], 5, 8, proof, ROOTS[7])
    assert verify_consistency(3, 8, sequence(consistency_proof(LEAF_HASHES, 3, 8)), ROOTS[2], ROOTS[7])
    assert verify_inclusion(LEAF_HASHES[0], 0, 1, None, ROOTS[0])
    assert verify_consistency(1, 1, None, ROOTS[0], ROOTS[0])
    assert not verify_inclusion(LEAF_HASHES[5], 5, 8, None, ROOTS[7])
    assert not verify_consistency(3, 8, None, ROOTS[2], ROOTS[7])


def published_faults(proof, *roots):
    """Invalid proofs that the published vectors derive from a valid one."""
    yield from ([*proof, b""], [b"", *proof], proof[:-1])
    for root in roots:
        yield from ([*proof, root], [root, *proof])
    for place, element in enumerate(proof):
        for bit in (8, 16):
            yield [*proof[:place], bytes([element[0] ^ bit]) + element[1:], *proof[place + 1 :]]


@pytest.mark.parametrize(("index", "size"), [(0, 8), (5, 8), (2, 3), (1, 5)])
def test_the_published_faults_of_an_inclusion_proof_are_refused(index, size):
    proof, leaf, root = inclusion_proof(LEAF_HASHES, index, size), LEAF_HASHES[index], ROOTS[size - 1]
    for other in (index - 1 & 2**64 - 1, index + 1, index ^ 2):
        assert not verify_inclusion(leaf, other, size, proof, root)
    for other in (size * 2, size // 2):
        assert not verify_inclusion(leaf, index, other, proof, root)
    for other in (b"WrongLeaf", b""):
        assert not verify_inclusion(other, index, size, proof, root)
    for other in (EMPTY_ROOT, b"", bytes(32)):
        assert not verify_inclusion(leaf, index, size, proof, other)
    for other in published_faults(proof, root):
        assert not verify_inclusion(leaf, index, size, other, root)


@pytest.mark.parametrize(("size1", "size2"), [(1, 8), (6, 8), (2, 5), (6, 7)])
def test_the_published_faults_of_a_consistency_proof_are_refused(size1, size2):
    proof, root1, root2 = consistency_proof(LEAF_HASHES, size1, size2), ROOTS[size1 - 1], ROOTS[size2 - 1]
    for other in (size1 - 1, size1 + 1, size1 ^ 2):
        assert not verify_consistency(other, size2, proof, root1, root2)
    for other in (size2 * 2, size2 // 2):
        assert not verify_consistency(size1, other, proof, root1, root2)
    for one, two in ((b"WrongRoot", root2), (root1, b"WrongRoot"), (root2, root1)):
        assert not verify_consistency(size1, size2, proof, one, two)
    for other in ([], *published_faults(proof, root1, root2, proof[0])):
        assert not verify_consistency(size1, size2, other, root1, root2)


def test_iterator_is_read_as_a_proof():
    proof = inclusion_proof(LEAF_HASHES, 5, 8)
    assert verify_inclusion(LEAF_HASHES[5], 5, 8, iter(proof), ROOTS[7])
    assert verify_consistency(3, 8, iter(consistency_proof(LEAF_HASHES, 3, 8)), ROOTS[2], ROOTS[7])
    # used up while its types are checked, it would leave a proof that is empty, and right
    assert not verify_inclusion(LEAF_HASHES[0], 0, 1, iter([OTHER]), ROOTS[0])
    assert not verify_consistency(8, 8, iter([OTHER]), ROOTS[7], ROOTS[7])
    assert not verify_consistency(0, 0, iter([EMPTY_ROOT]), EMPTY_ROOT, EMPTY_ROOT)


@pytest.mark.parametrize("leaves", [["a" * 32], [None], [bytearray(32)]])
def test_leaves_must_be_bytes(leaves):
    with pytest.raises(TypeError):
        root_hash(leaves)
    with pytest.raises(TypeError):
        inclusion_proof(leaves, 0)
    with pytest.raises(TypeError):
        append_nodes([], 0, leaves)


def test_hashes_of_another_length_never_verify():
    assert not verify_inclusion(b"", 0, 1, [], b"")
    assert not verify_inclusion(ROOTS[0][:31], 0, 1, [], ROOTS[0][:31])
    assert not verify_inclusion(LEAF_HASHES[0], 0, 2, [b""], ROOTS[1])
    assert not verify_consistency(1, 2, [b""], ROOTS[0], ROOTS[1])
    assert not verify_consistency(1, 2, [LEAF_HASHES[1]], b"short", ROOTS[1])


@pytest.mark.parametrize(
    "verify",
    [
        lambda: verify_inclusion("text", 0, 1, [], ROOTS[0]),
        lambda: verify_inclusion(ROOTS[0], 0.0, 1, [], ROOTS[0]),
        lambda: verify_inclusion(ROOTS[0], 0, 2, [None], ROOTS[0]),
        lambda: verify_consistency("1", 1, [], ROOTS[0], ROOTS[0]),
        lambda: verify_consistency(1, 2, ["text"], ROOTS[0], ROOTS[1]),
        lambda: verify_inclusion(ROOTS[0], False, True, [], ROOTS[0]),
        lambda: verify_consistency(True, 1, [], ROOTS[0], ROOTS[0]),
        lambda: verify_consistency(0, 0, "", EMPTY_ROOT, EMPTY_ROOT),
        lambda: verify_consistency(1, 2, b"", ROOTS[0], ROOTS[1]),
        lambda: verify_consistency(0, 0, [], EMPTY_ROOT.hex(), EMPTY_ROOT.hex()),
        lambda: verify_consistency(0, 0, [], bytearray(EMPTY_ROOT), EMPTY_ROOT),
        lambda: verify_consistency(1, 2, 5, ROOTS[0], ROOTS[1]),
    ],
)
def test_verifiers_raise_for_other_types(verify):
    with pytest.raises(TypeError):
        verify()


# --- laws ---


@given(st.binary(max_size=40))
def test_the_empty_tree_has_one_root(root):
    assert verify_consistency(0, 0, [], root, root) is (root == EMPTY_ROOT)


@given(sizes)
def test_root_matches_the_rfc_definition(size):
    assert root_hash(hashes(size)) == mth(hashes(size))


@given(size_and_index)
def test_every_leaf_has_a_proof_that_verifies(drawn):
    size, index = drawn
    leaves = hashes(size)
    proof = inclusion_proof(leaves, index)
    assert len(proof) <= (size - 1).bit_length()
    assert verify_inclusion(leaves[index], index, size, proof, root_hash(leaves))


@given(size_pairs)
def test_every_older_tree_has_a_proof_that_verifies(drawn):
    size1, size2 = drawn
    leaves = hashes(size2)
    proof = consistency_proof(leaves, size1)
    assert len(proof) <= (size2 - 1).bit_length() + 1
    assert verify_consistency(size1, size2, proof, root_hash(leaves[:size1]), root_hash(leaves))


@given(size_and_index, st.data())
def test_an_altered_inclusion_proof_fails(drawn, data):
    size, index = drawn
    leaves = hashes(size)
    proof, root, leaf = inclusion_proof(leaves, index), root_hash(leaves), leaves[index]
    bit = data.draw(st.integers(0, 255))
    assert not verify_inclusion(flip(leaf, bit), index, size, proof, root)
    assert not verify_inclusion(leaf, index, size, proof, flip(root, bit))
    for place, node in enumerate(proof):
        assert not verify_inclusion(
            leaf, index, size, [*proof[:place], flip(node, bit), *proof[place + 1 :]], root
        )
        assert not verify_inclusion(leaf, index, size, proof[:place] + proof[place + 1 :], root)
    for place in range(len(proof) + 1):
        for extra in (OTHER, root, leaf, b""):
            assert not verify_inclusion(leaf, index, size, [*proof[:place], extra, *proof[place:]], root)


@given(size_and_index, st.integers(-2, 300))
def test_another_index_fails(drawn, other):
    size, index = drawn
    leaves = hashes(size)
    proof = inclusion_proof(leaves, index)
    assert verify_inclusion(leaves[index], other, size, proof, root_hash(leaves)) is (other == index)


@given(size_pairs, st.data())
def test_an_altered_consistency_proof_fails(drawn, data):
    size1, size2 = drawn
    leaves = hashes(size2)
    proof, root1, root2 = consistency_proof(leaves, size1), root_hash(leaves[:size1]), root_hash(leaves)
    bit = data.draw(st.integers(0, 255))
    assert not verify_consistency(size1, size2, proof, flip(root1, bit), root2)
    assert not verify_consistency(size1, size2, proof, root1, flip(root2, bit))
    for place, node in enumerate(proof):
        altered = [*proof[:place], flip(node, bit), *proof[place + 1 :]]
        assert not verify_consistency(size1, size2, altered, root1, root2)
        assert not verify_consistency(size1, size2, proof[:place] + proof[place + 1 :], root1, root2)
    for place in range(len(proof) + 1):
        for extra in (OTHER, root1, root2, b""):
            altered = [*proof[:place], extra, *proof[place:]]
            assert not verify_consistency(size1, size2, altered, root1, root2)
    if size1 != size2:
        assert not verify_consistency(size1, size2, proof, root2, root1)
        assert not verify_consistency(size2, size1, proof, root2, root1)


@given(size_pairs, st.integers(-1, 300))
def test_another_older_size_fails(drawn, other):
    size1, size2 = drawn
    leaves = hashes(size2)
    proof, root1, root2 = consistency_proof(leaves, size1), root_hash(leaves[:size1]), root_hash(leaves)
    assert verify_consistency(other, size2, proof, root1, root2) is (other == size1)


def test_a_rewritten_leaf_has_no_consistency():
    leaves = hashes(20)
    rewritten = [*leaves[:3], OTHER, *leaves[4:]]
    for size in range(4, 20):
        proof = consistency_proof(rewritten, size)
        assert not verify_consistency(size, 20, proof, root_hash(leaves[:size]), root_hash(rewritten))


# --- stored nodes ---


@given(size_and_index)
def test_inclusion_proof_from_nodes_equals_the_list_version_in_one_read(drawn):
    size, index = drawn
    nodes = Nodes(hashes(size + 5))  # later leaves don't change what an earlier tree reads
    assert inclusion_from_nodes(nodes.get, index, size) == inclusion_proof(hashes(size), index)
    assert nodes.calls == ([proof_nodes_inclusion(index, size)] if size > 1 else [])
    assert sum(map(len, nodes.calls)) <= 2 * size.bit_length()


@given(size_pairs)
def test_consistency_proof_from_nodes_equals_the_list_version_in_one_read(drawn):
    size1, size2 = drawn
    nodes = Nodes(hashes(size2 + 5))
    assert consistency_from_nodes(nodes.get, size1, size2) == consistency_proof(hashes(size2), size1)
    assert nodes.calls == ([proof_nodes_consistency(size1, size2)] if size1 < size2 else [])
    keys = [key for call in nodes.calls for key in call]
    assert len(keys) == len(set(keys)) <= 2 * size2.bit_length()


@given(st.integers(0, 140))
def test_root_from_nodes_equals_the_list_version(size):
    nodes = Nodes(hashes(size + 5))
    assert root_from_nodes(nodes.get, size) == root_hash(hashes(size))
    assert sum(map(len, nodes.calls)) == size.bit_count()


def test_reads_stay_few_in_a_log_of_billions():
    size = 2**33 - 1
    assert len(proof_nodes_inclusion(0, size)) <= 66
    assert len(proof_nodes_consistency(2**32 + 12345, size)) <= 66


def test_a_missing_node_is_an_error():
    with pytest.raises(KeyError):
        inclusion_from_nodes(lambda _: {}, 0, 2)


@given(st.lists(st.integers(0, 40), max_size=8))
def test_appending_in_batches_builds_the_tree(batches):
    leaves = hashes(sum(batches))
    edge: list[bytes] = []
    size, stored = 0, {}
    for batch in batches:
        edge, nodes = append_nodes(edge, size, leaves[size : size + batch])
        assert stored.keys().isdisjoint((level, index) for level, index, _ in nodes)
        stored |= {(level, index): digest for level, index, digest in nodes}
        size += batch
        assert edge == [stored[key] for key in edge_nodes(size)]
        assert edge_root(edge) == root_hash(leaves[:size])
    complete = {(level, index) for level in range(10) for index in range(size >> level)}
    assert stored.keys() == complete
    for (level, index), digest in stored.items():
        assert digest == root_hash(leaves[index << level : (index + 1) << level])


# --- arguments that name no proof ---


@pytest.mark.parametrize(
    "make",
    [
        lambda: inclusion_proof(LEAF_HASHES, 8),
        lambda: inclusion_proof(LEAF_HASHES, -1),
        lambda: inclusion_proof(LEAF_HASHES, 3, 3),
        lambda: inclusion_proof(LEAF_HASHES, 0, 9),
        lambda: inclusion_proof(LEAF_HASHES, 0, -1),
        lambda: inclusion_proof([], 0),
        lambda: inclusion_proof([b"short"], 0),
        lambda: consistency_proof(LEAF_HASHES, 0),
        lambda: consistency_proof(LEAF_HASHES, -1),
        lambda: consistency_proof(LEAF_HASHES, 5, 4),
        lambda: consistency_proof(LEAF_HASHES, 1, 9),
        lambda: consistency_proof([b"short"], 1),
        lambda: root_hash([b"short"]),
        lambda: root_from_nodes(lambda _: {}, -1),
        lambda: edge_nodes(-1),
        lambda: append_nodes([], 1, []),
        lambda: append_nodes([], -1, []),
        lambda: append_nodes([b"short"], 1, []),
        lambda: append_nodes([], 0, [b"short"]),
    ],
)
def test_invalid_proof_requests_raise(make):
    with pytest.raises(ValueError):
        make()
