"""The log's rows: queue, leaves, nodes, checkpoints. Inside the caller's tenant transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accountability.ledger.statements import (
    CHECKPOINT_AT,
    END_DELIVERY_LEASE,
    INDEX_OF_DECISION,
    INSERT_CHECKPOINT,
    INSERT_LEAVES,
    INSERT_NODES,
    LAST_CHECKPOINT,
    LEASE_DELIVERY,
    MARK_DELIVERED,
    NEXT_UNDELIVERED,
    ORGANISATIONS_WITH_PENDING,
    ORGANISATIONS_WITH_UNDELIVERED,
    READ_LEAVES,
    READ_NODES,
    TAKE_PENDING,
    TRY_LOCK,
)
from accountability.merkle import NodeKey
from liftos.kernel.db.transactions import raw_cursor

# a class of advisory locks of our own, so that no other use of them meets ours
LOCK_CLASS = 0x4C454447  # "LEDG"


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed tree head as it is stored."""

    size: int
    root: bytes
    text: str
    recorded_at: datetime


def try_lock(organisation: UUID) -> bool:
    """Become this log's only sequencer until the transaction ends, or return False."""
    with raw_cursor() as cursor:
        row = cursor.execute(TRY_LOCK, (LOCK_CLASS, str(organisation))).fetchone()
    return bool(row and row[0])


def take_pending(organisation: UUID, limit: int) -> list[tuple[UUID, bytes]]:
    """Take waiting records out of the queue: (decision, leaf hash), in the order of their ids."""
    with raw_cursor() as cursor:
        return cursor.execute(TAKE_PENDING, {"organisation": organisation, "limit": limit}).fetchall()


def write_leaves(organisation: UUID, size: int, leaves: Sequence[tuple[UUID, bytes]]) -> None:
    """Write leaves at the places from `size` on."""
    decisions, hashes = [list(column) for column in zip(*leaves, strict=True)]
    with raw_cursor() as cursor:
        cursor.execute(INSERT_LEAVES, (organisation, size, decisions, hashes))


def write_nodes(organisation: UUID, nodes: Sequence[tuple[int, int, bytes]]) -> None:
    """Write complete subtrees: (level, index, hash), level 1 and up."""
    if not nodes:
        return
    levels, indices, hashes = [list(column) for column in zip(*nodes, strict=True)]
    with raw_cursor() as cursor:
        cursor.execute(INSERT_NODES, (organisation, levels, indices, hashes))


def write_checkpoint(organisation: UUID, size: int, root: bytes, text: str) -> None:
    """Write a signed tree head."""
    with raw_cursor() as cursor:
        cursor.execute(INSERT_CHECKPOINT, (organisation, size, root, text))


def last_checkpoint(organisation: UUID) -> StoredCheckpoint | None:
    """Return the newest signed tree head, None for a log that has none yet."""
    with raw_cursor() as cursor:
        row = cursor.execute(LAST_CHECKPOINT, (organisation,)).fetchone()
    return StoredCheckpoint(*row) if row else None


def checkpoint_at(organisation: UUID, size: int) -> str | None:
    """Return the text that was signed at a size, None where none was."""
    with raw_cursor() as cursor:
        row = cursor.execute(CHECKPOINT_AT, (organisation, size)).fetchone()
    return row[0] if row else None


def index_of(organisation: UUID, decision: UUID) -> int | None:
    """Return a record's place in the log, None while it waits."""
    with raw_cursor() as cursor:
        row = cursor.execute(INDEX_OF_DECISION, (organisation, decision)).fetchone()
    return row[0] if row else None


def node_reader(organisation: UUID) -> Callable[[list[NodeKey]], Mapping[NodeKey, bytes]]:
    """Return the `get` that merkle's proofs read nodes by: one statement for leaves, one for the levels above."""

    def read(keys: list[NodeKey]) -> dict[NodeKey, bytes]:
        leaves = [index for level, index in keys if level == 0]
        above = [key for key in keys if key[0] > 0]
        rows: list[tuple[int, int, bytes]] = []
        with raw_cursor() as cursor:
            if leaves:
                values = {"organisation": organisation, "indices": leaves}
                rows += cursor.execute(READ_LEAVES, values).fetchall()
            if above:
                levels, indices = [list(column) for column in zip(*above, strict=True)]
                values = {"organisation": organisation, "levels": levels, "indices": indices}
                rows += cursor.execute(READ_NODES, values).fetchall()
        return {(level, index): digest for level, index, digest in rows}

    return read


def organisations_with_pending() -> list[UUID]:
    """Return the organisations whose queue is not empty. Runs outside of a tenant, by a definer function."""
    with raw_cursor() as cursor:
        return [row[0] for row in cursor.execute(ORGANISATIONS_WITH_PENDING).fetchall()]


def organisations_with_undelivered(destination: str) -> list[UUID]:
    """Return the organisations with checkpoints that a place has not got. Outside of a tenant, by a definer function."""
    with raw_cursor() as cursor:
        return [row[0] for row in cursor.execute(ORGANISATIONS_WITH_UNDELIVERED, (destination,)).fetchall()]


def next_undelivered(organisation: UUID, destination: str) -> tuple[int, str] | None:
    """Return size and text of the oldest checkpoint that a place has not got, or None."""
    with raw_cursor() as cursor:
        values = {"organisation": organisation, "destination": destination}
        return cursor.execute(NEXT_UNDELIVERED, values).fetchone()


def lease_delivery(organisation: UUID, destination: str, seconds: float) -> bool:
    """Become the only one that delivers to a place for some seconds, or return False."""
    with raw_cursor() as cursor:
        return cursor.execute(LEASE_DELIVERY, (organisation, destination, seconds)).fetchone() is not None


def end_lease(organisation: UUID, destination: str) -> None:
    """Let others deliver to a place again."""
    with raw_cursor() as cursor:
        cursor.execute(END_DELIVERY_LEASE, (organisation, destination))


def note_delivered(organisation: UUID, destination: str, size: int) -> None:
    """Note that a place has the checkpoints up to `size`, and end the lease."""
    with raw_cursor() as cursor:
        cursor.execute(MARK_DELIVERED, (organisation, destination, size))
