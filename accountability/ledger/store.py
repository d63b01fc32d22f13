"""Reads and writes of the log's queue, leaves, nodes and checkpoints, in the caller's tenant transaction."""

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
from liftos.kernel.db.transactions import raw_cursor, read_column, read_value

# separate classes of advisory locks, so that they never collide with other uses
LOCK_CLASS = 0x4C454447  # "LEDG"


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A stored signed tree head."""

    size: int
    root: bytes
    text: str
    recorded_at: datetime


def try_lock(organisation: UUID) -> bool:
    """Take the log's sequencer lock until the transaction ends; return False if another holds it."""
    return read_value(TRY_LOCK, (LOCK_CLASS, str(organisation)))


def take_pending(organisation: UUID, limit: int) -> list[tuple[UUID, bytes]]:
    """Remove pending records from the queue and return them as (decision, leaf hash), in order of id."""
    return raw_cursor().execute(TAKE_PENDING, {"organisation": organisation, "limit": limit}).fetchall()


def write_leaves(organisation: UUID, size: int, leaves: Sequence[tuple[UUID, bytes]]) -> None:
    """Write leaves at the places `size` and up."""
    decisions, hashes = [list(column) for column in zip(*leaves, strict=True)]
    raw_cursor().execute(INSERT_LEAVES, (organisation, size, decisions, hashes))


def write_nodes(organisation: UUID, nodes: Sequence[tuple[int, int, bytes]]) -> None:
    """Write complete subtrees: (level, index, hash), level 1 and up."""
    if not nodes:
        return
    levels, indices, hashes = [list(column) for column in zip(*nodes, strict=True)]
    raw_cursor().execute(INSERT_NODES, (organisation, levels, indices, hashes))


def write_checkpoint(organisation: UUID, size: int, root: bytes, text: str) -> None:
    """Write a signed tree head."""
    raw_cursor().execute(INSERT_CHECKPOINT, (organisation, size, root, text))


def last_checkpoint(organisation: UUID) -> StoredCheckpoint | None:
    """Return the newest signed tree head, None if there is none yet."""
    row = raw_cursor().execute(LAST_CHECKPOINT, (organisation,)).fetchone()
    return StoredCheckpoint(*row) if row else None


def checkpoint_at(organisation: UUID, size: int) -> str | None:
    """Return the checkpoint signed at a size, None if there is none."""
    return read_value(CHECKPOINT_AT, (organisation, size))


def index_of(organisation: UUID, decision: UUID) -> int | None:
    """Return a record's place in the log, None while pending."""
    return read_value(INDEX_OF_DECISION, (organisation, decision))


def node_reader(organisation: UUID) -> Callable[[list[NodeKey]], Mapping[NodeKey, bytes]]:
    """Return the `get` of the functions in `merkle`: one statement for leaves, one for the levels above."""

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
    """Return the organisations with pending records. Runs outside a tenant transaction."""
    return read_column(ORGANISATIONS_WITH_PENDING)


def organisations_with_undelivered(destination: str) -> list[UUID]:
    """Return the organisations with undelivered checkpoints. Runs outside a tenant transaction."""
    return read_column(ORGANISATIONS_WITH_UNDELIVERED, (destination,))


def next_undelivered(organisation: UUID, destination: str) -> tuple[int, str] | None:
    """Return size and text of the oldest checkpoint not yet delivered to a destination, or None."""
    values = {"organisation": organisation, "destination": destination}
    return raw_cursor().execute(NEXT_UNDELIVERED, values).fetchone()


def lease_delivery(organisation: UUID, destination: str, seconds: float) -> bool:
    """Take the lease on a destination for some seconds; return False if another process holds it."""
    return raw_cursor().execute(LEASE_DELIVERY, (organisation, destination, seconds)).fetchone() is not None


def end_lease(organisation: UUID, destination: str) -> None:
    """Release the lease on a destination."""
    raw_cursor().execute(END_DELIVERY_LEASE, (organisation, destination))


def note_delivered(organisation: UUID, destination: str, size: int) -> None:
    """Record that the checkpoints up to `size` were delivered to a destination, and end the lease."""
    raw_cursor().execute(MARK_DELIVERED, (organisation, destination, size))
