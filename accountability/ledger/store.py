"""The log's rows: queue, leaves, nodes, checkpoints. Inside the caller's tenant transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accountability.merkle import NodeKey
from liftos.kernel.db.transactions import raw_cursor

# a class of advisory locks of our own, so that no other use of them meets ours
LOCK_CLASS = 0x4C454447  # "LEDG"
DELIVERY_CLASS = 0x4C454444  # "LEDD"

_LOCK = "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))"
_TAKE = """
WITH taken AS (
    DELETE FROM accountability_ledgerpending WHERE organisation_id = %(organisation)s AND decision_id IN (
        SELECT decision_id FROM accountability_ledgerpending WHERE organisation_id = %(organisation)s
        ORDER BY decision_id LIMIT %(limit)s
    ) RETURNING decision_id, leaf_hash
)
SELECT decision_id, leaf_hash FROM taken ORDER BY decision_id
"""
_LEAVES = """
INSERT INTO accountability_ledgerleaf (organisation_id, index, decision_id, leaf_hash)
SELECT %s, %s + place - 1, decision, hash
FROM unnest(%s::uuid[], %s::bytea[]) WITH ORDINALITY AS l(decision, hash, place)
"""
_NODES = """
INSERT INTO accountability_ledgernode (organisation_id, level, index, hash)
SELECT %s, * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])
"""
_READ_NODES = """
SELECT n.level, n.index, n.hash FROM unnest(%(levels)s::smallint[], %(indices)s::bigint[]) AS k(level, index)
JOIN accountability_ledgernode AS n ON n.organisation_id = %(organisation)s AND n.level = k.level AND n.index = k.index
"""
_READ_LEAVES = """
SELECT 0, l.index, l.leaf_hash FROM unnest(%(indices)s::bigint[]) AS k(index)
JOIN accountability_ledgerleaf AS l ON l.organisation_id = %(organisation)s AND l.index = k.index
"""
_CHECKPOINT = """
INSERT INTO accountability_ledgercheckpoint (organisation_id, size, root, text) VALUES (%s, %s, %s, %s)
"""
_LAST = """
SELECT size, root, text, recorded_at FROM accountability_ledgercheckpoint
WHERE organisation_id = %s ORDER BY size DESC LIMIT 1
"""
_AT = "SELECT text FROM accountability_ledgercheckpoint WHERE organisation_id = %s AND size = %s"
_INDEX = "SELECT index FROM accountability_ledgerleaf WHERE organisation_id = %s AND decision_id = %s"
_WAITING = "SELECT organisation_id FROM liftos_organisations_with_pending_records()"
_UNDELIVERED_TO = "SELECT organisation_id FROM liftos_organisations_with_undelivered_checkpoints(%s)"
_NEXT_UNDELIVERED = """
SELECT size, text FROM accountability_ledgercheckpoint WHERE organisation_id = %(organisation)s AND size > coalesce(
    (SELECT size FROM accountability_ledgerdelivery
     WHERE organisation_id = %(organisation)s AND destination = %(destination)s), 0)
ORDER BY size LIMIT 1
"""
_DELIVERED = """
INSERT INTO accountability_ledgerdelivery (organisation_id, destination, size) VALUES (%s, %s, %s)
ON CONFLICT (organisation_id, destination) DO UPDATE SET size = excluded.size
"""


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed tree head as it is stored."""

    size: int
    root: bytes
    text: str
    recorded_at: datetime


def try_lock(organisation: UUID, lock_class: int = LOCK_CLASS) -> bool:
    """Become this log's only sequencer (or deliverer) until the transaction ends, or return False."""
    with raw_cursor() as cursor:
        row = cursor.execute(_LOCK, (lock_class, str(organisation))).fetchone()
    return bool(row and row[0])


def take_pending(organisation: UUID, limit: int) -> list[tuple[UUID, bytes]]:
    """Take waiting records out of the queue: (decision, leaf hash), in the order of their ids."""
    with raw_cursor() as cursor:
        return cursor.execute(_TAKE, {"organisation": organisation, "limit": limit}).fetchall()


def write_leaves(organisation: UUID, size: int, leaves: Sequence[tuple[UUID, bytes]]) -> None:
    """Write leaves at the places from `size` on."""
    decisions, hashes = [list(column) for column in zip(*leaves, strict=True)]
    with raw_cursor() as cursor:
        cursor.execute(_LEAVES, (organisation, size, decisions, hashes))


def write_nodes(organisation: UUID, nodes: Sequence[tuple[int, int, bytes]]) -> None:
    """Write complete subtrees: (level, index, hash), level 1 and up."""
    if not nodes:
        return
    levels, indices, hashes = [list(column) for column in zip(*nodes, strict=True)]
    with raw_cursor() as cursor:
        cursor.execute(_NODES, (organisation, levels, indices, hashes))


def write_checkpoint(organisation: UUID, size: int, root: bytes, text: str) -> None:
    """Write a signed tree head."""
    with raw_cursor() as cursor:
        cursor.execute(_CHECKPOINT, (organisation, size, root, text))


def last_checkpoint(organisation: UUID) -> StoredCheckpoint | None:
    """Return the newest signed tree head, None for a log that has none yet."""
    with raw_cursor() as cursor:
        row = cursor.execute(_LAST, (organisation,)).fetchone()
    return StoredCheckpoint(*row) if row else None


def checkpoint_at(organisation: UUID, size: int) -> str | None:
    """Return the text that was signed at a size, None where none was."""
    with raw_cursor() as cursor:
        row = cursor.execute(_AT, (organisation, size)).fetchone()
    return row[0] if row else None


def index_of(organisation: UUID, decision: UUID) -> int | None:
    """Return a record's place in the log, None while it waits."""
    with raw_cursor() as cursor:
        row = cursor.execute(_INDEX, (organisation, decision)).fetchone()
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
                rows += cursor.execute(_READ_LEAVES, values).fetchall()
            if above:
                levels, indices = [list(column) for column in zip(*above, strict=True)]
                values = {"organisation": organisation, "levels": levels, "indices": indices}
                rows += cursor.execute(_READ_NODES, values).fetchall()
        return {(level, index): digest for level, index, digest in rows}

    return read


def organisations_with_pending() -> list[UUID]:
    """Return the organisations whose queue is not empty. Runs outside of a tenant, by a definer function."""
    with raw_cursor() as cursor:
        return [row[0] for row in cursor.execute(_WAITING).fetchall()]


def organisations_with_undelivered(destination: str) -> list[UUID]:
    """Return the organisations with checkpoints that a place has not got. Outside of a tenant, by a definer function."""
    with raw_cursor() as cursor:
        return [row[0] for row in cursor.execute(_UNDELIVERED_TO, (destination,)).fetchall()]


def next_undelivered(organisation: UUID, destination: str) -> tuple[int, str] | None:
    """Return size and text of the oldest checkpoint that a place has not got, or None."""
    with raw_cursor() as cursor:
        values = {"organisation": organisation, "destination": destination}
        return cursor.execute(_NEXT_UNDELIVERED, values).fetchone()


def note_delivered(organisation: UUID, destination: str, size: int) -> None:
    """Note that a place has the checkpoints up to `size`."""
    with raw_cursor() as cursor:
        cursor.execute(_DELIVERED, (organisation, destination, size))
