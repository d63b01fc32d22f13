"""Verification of a log against its rows, for `verify_ledger`, the API and the admin's decision page."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from accountability.errors import LogTooLong
from accountability.leaf import RECORD_FIELDS, hash_of
from accountability.ledger import store
from accountability.ledger.checkpoint import CheckpointInvalid, open_signed
from accountability.ledger.raw_rows import Altered, read_leaves
from accountability.ledger.row_rules import Rules, is_excused
from accountability.ledger.signing import origin_of, verifier
from accountability.ledger.statements import ALL_CHECKPOINTS, EXTENT, NODE_RANGES, OUTSIDE
from accountability.merkle import HASH_BYTES, append_nodes, edge_root, inclusion_from_nodes, verify_inclusion
from accountability.models import DecisionPayload, DecisionRecord
from liftos.kernel.db.transactions import raw_cursor, whole_tenant

BATCH = 16_384


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of verifying a record or a log, with an explanation."""

    holds: bool
    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Number of records verified so far; the last has the `verdict`."""

    records: int
    verdict: Verdict | None = None


def check_record(organisation: UUID, decision: UUID) -> Verdict:
    """Verify one record against the newest signed tree head."""
    row = (
        DecisionRecord.objects.filter(organisation_id=organisation, id=decision)
        .values(*RECORD_FIELDS)
        .first()
    )
    index, head = store.index_of(organisation, decision), store.last_checkpoint(organisation)
    if row is None:
        return Verdict(holds=False, text="record not found")
    if index is None or head is None:
        return Verdict(holds=False, text="waiting for its place in the log")
    try:
        signed = open_signed(head.text, verifier(), origin=origin_of(organisation))
    except CheckpointInvalid as error:
        return Verdict(holds=False, text=f"the newest checkpoint is not valid: {error}")
    try:
        proof = inclusion_from_nodes(store.node_reader(organisation), index, signed.size)
    except KeyError:
        return Verdict(holds=False, text="NOT VERIFIED: nodes of the log are missing")
    if not verify_inclusion(hash_of(row), index, signed.size, proof, signed.root):
        return Verdict(holds=False, text=f"NOT VERIFIED: record {index} does not match the signed log")
    has_payload = DecisionPayload.objects.filter(organisation_id=organisation, decision_id=decision).exists()
    if not has_payload and not _is_excused(organisation, decision):
        return Verdict(
            holds=False,
            text=f"NOT VERIFIED: the payload of record {index} is missing, and no erasure lists it",
        )
    return Verdict(holds=True, text=f"verified: record {index} of {signed.size}, signed by {verifier().name}")


def _is_excused(organisation: UUID, decision: UUID) -> bool:
    # the erasure that lists it may be another principal's
    with whole_tenant(organisation):
        return is_excused(organisation, decision)


def verify_log(organisation: UUID) -> Iterator[Progress]:
    """Rebuild an organisation's log from its raw rows, and compare it with every stored node and signed checkpoint.

    Times and missing payloads are checked too (accountability.ledger.row_rules). Records sequenced meanwhile are not covered.
    Runs in the caller's tenant transaction, which must see all scopes.

    Yields:
        Progress after each batch; the last has the verdict, which names the first bad record.
    """
    checkpoints = _checkpoints(organisation)
    end = checkpoints[-1][0] if checkpoints else 0
    edge: list[bytes] = []
    size = due = 0
    try:
        rules = Rules(organisation)
        while size < end:
            hashes = _rebuilt(organisation, size, min(size + BATCH, end), rules)
            start, nodes = 0, Nodes()
            # compare each checkpoint within this batch at exactly its size
            while due < len(checkpoints) and checkpoints[due][0] <= size + len(hashes):
                upto = checkpoints[due][0] - size
                edge = nodes.extend(edge, size + start, hashes[start:upto])
                _compare(organisation, checkpoints[due], edge)
                start, due = upto, due + 1
            edge = nodes.extend(edge, size + start, hashes[start:])
            _compare_nodes(organisation, nodes)
            size += len(hashes)
            yield Progress(size)
        _check_complete(organisation)
        rules.close()
    except Altered as found:
        yield Progress(size, Verdict(holds=False, text=str(found)))
        return
    text = f"{size} records and {len(checkpoints)} checkpoints hold"
    if unlisted := rules.unlisted():
        text += f"; {unlisted} payloads were erased before erasures listed them"
    yield Progress(size, Verdict(holds=True, text=text))


def verify_within(organisation: UUID, *, most: int) -> tuple[int, Verdict]:
    """Verify a log of at most `most` records (25 us each), of all scopes; return their number and the verdict.

    Raises:
        LogTooLong: it has more.
    """
    head = store.last_checkpoint(organisation)
    if head is not None and head.size > most:
        raise LogTooLong
    with whole_tenant(organisation):
        *_, last = verify_log(organisation)
    assert last.verdict is not None  # noqa: S101  the last progress always has one
    return last.records, last.verdict


class Nodes:
    """The subtrees that a batch of leaves completed: per level the first index and the consecutive hashes."""

    def __init__(self) -> None:
        self.levels: dict[int, tuple[int, list[bytes]]] = {}

    def extend(self, edge: list[bytes], size: int, hashes: list[bytes]) -> list[bytes]:
        """Append leaves to the tree of `size` leaves with this edge; return the new edge."""
        new_edge, nodes = append_nodes(edge, size, hashes)
        for level, index, digest in nodes:
            if level:
                self.levels.setdefault(level, (index, []))[1].append(digest)
        return new_edge


def _checkpoints(organisation: UUID) -> list[tuple[int, bytes, str]]:
    return raw_cursor().execute(ALL_CHECKPOINTS, [organisation]).fetchall()


def _rebuilt(organisation: UUID, first: int, end: int, rules: Rules) -> list[bytes]:
    """Return the leaf hashes `first` to `end` - 1, rebuilt from the records and equal to the stored ones."""
    hashes: list[bytes] = []
    for leaf in read_leaves(organisation, first, end):
        if leaf.place != first + len(hashes):
            raise Altered(f"the leaf at {first + len(hashes)} is missing")
        if leaf.rebuilt != leaf.stored:
            raise Altered(f"record {leaf.place} ({leaf.decision}) was altered")
        rules.check(leaf)
        hashes.append(leaf.rebuilt)
    if first + len(hashes) < end:
        leaves, signed = _extent(organisation)
        if leaves > end:
            raise Altered(f"the leaf at {first + len(hashes)} is missing")
        raise Altered(f"the log has {first + len(hashes)} records, and a checkpoint was signed for {signed}")
    return hashes


def _compare_nodes(organisation: UUID, nodes: Nodes) -> None:
    """Compare rebuilt subtrees with the stored ones, from which proofs are made."""
    if not nodes.levels:
        return
    levels = list(nodes.levels)
    firsts = [nodes.levels[level][0] for level in levels]
    ends = [first + len(nodes.levels[level][1]) for level, first in zip(levels, firsts, strict=True)]
    values = {"organisation": organisation, "levels": levels, "firsts": firsts, "ends": ends}
    stored: dict[int, bytes] = dict(raw_cursor().execute(NODE_RANGES, values).fetchall())
    for level, (first, digests) in nodes.levels.items():
        found = stored.get(level, b"")
        if found == b"".join(digests):
            continue
        for place, digest in enumerate(digests):
            if found[place * HASH_BYTES : (place + 1) * HASH_BYTES] != digest:
                raise Altered(f"the node {first + place} of level {level} is missing or was altered")


def _extent(organisation: UUID) -> tuple[int, int]:
    """Return the number of leaves and the newest signed size, in one snapshot."""
    row = raw_cursor().execute(EXTENT, {"organisation": organisation}).fetchone()
    return (row[0], row[1]) if row else (0, 0)


def _compare(organisation: UUID, checkpoint: tuple[int, bytes, str], edge: list[bytes]) -> None:
    size, root, text = checkpoint
    try:
        signed = open_signed(text, verifier(), origin=origin_of(organisation))
    except CheckpointInvalid as error:
        raise Altered(f"the checkpoint at {size} is not valid: {error}") from error
    if (signed.size, signed.root) != (size, root):
        raise Altered(f"the checkpoint at {size} was altered")
    if edge_root(edge) != signed.root:
        raise Altered(
            f"the log up to {size} is not what was signed: a leaf at or before {size - 1} was altered"
        )


def _check_complete(organisation: UUID) -> None:
    leaves, signed = _extent(organisation)
    if leaves != signed:
        raise Altered(f"the log has {leaves} records, and only {signed} were signed")
    outside = raw_cursor().execute(OUTSIDE, {"organisation": organisation}).fetchone()
    if outside is not None:
        raise Altered(f"record {outside[0]} is neither in the log nor pending")
