"""Rejected values. Every way to write a memory asks here, inside its own transaction, before it writes.

A store and a rejection of one value meet on an advisory lock: shared by stores, exclusive to the rejection. Without it a
store that looked before the rejection committed could commit after it. Locks are always taken before rows.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from liftos.db import pipelined, raw_cursor
from liftos.errors import Conflict
from memory.life.keys import locks_of
from memory.types import Rejection

_SHARE = "SELECT pg_advisory_xact_lock_shared(n) FROM unnest(%s::bigint[]) AS n"
_HOLD = "SELECT pg_advisory_xact_lock(n) FROM unnest(%s::bigint[]) AS n"
_FIND = """
SELECT value, decision_id, memory_id, recorded_at FROM memory_tombstone
WHERE organisation_id = %s AND value = ANY(%s::bytea[])
"""
_BURY = """
INSERT INTO memory_tombstone (organisation_id, value, memory_id, decision_id, recorded_at)
SELECT %s, value, %s, %s, %s FROM unnest(%s::bytea[]) AS value ON CONFLICT (organisation_id, value) DO NOTHING
"""
_LIFT = "DELETE FROM memory_tombstone WHERE organisation_id = %s AND value = ANY(%s::bytea[])"


class ValueRejected(Conflict):
    """This value was rejected."""

    code = "memory.value_rejected"

    def __init__(self, rejection: Rejection) -> None:
        """Name the rejection."""
        self.rejection = rejection
        super().__init__(rejection.text, loc=("content",))

    @property
    def extensions(self) -> dict[str, dict[str, str]]:
        """Return what the problem details say beside their usual members."""
        return {
            "rejection": {
                "decision_id": str(self.rejection.decision),
                "memory_id": str(self.rejection.memory),
                "rejected_at": self.rejection.recorded_at.isoformat(),
            }
        }


def find_rejections(organisation: UUID, keys: Mapping[UUID, tuple[bytes, ...]]) -> dict[UUID, Rejection]:
    """Return which of some writes hold a rejected value; keep others from rejecting theirs until this transaction ends.

    Args:
        organisation: whose.
        keys: of each write's value, by any id of the write.
    """
    wanted = {key for each in keys.values() for key in each}
    if not wanted:
        return {}
    with pipelined():
        # two statements: the second must see what was committed while the first waited
        raw_cursor().execute(_SHARE, [locks_of(organisation, wanted)])
        found = raw_cursor().execute(_FIND, [organisation, list(wanted)])
        rows = found.fetchall()
    known = {bytes(row[0]): Rejection(*row[1:]) for row in rows}
    if not known:
        return {}
    return {write: known[key] for write, each in keys.items() for key in reversed(each) if key in known}


def refuse_rejected(organisation: UUID, keys: tuple[bytes, ...]) -> None:
    """Let one write pass, or not. See `find_rejections`.

    Raises:
        ValueRejected: naming the rejection.
    """
    for rejection in find_rejections(organisation, {organisation: keys}).values():
        raise ValueRejected(rejection)


def hold(organisation: UUID, keys: Iterable[bytes]) -> None:
    """Keep others from writing or rejecting values until this transaction ends."""
    with raw_cursor() as cursor:
        cursor.execute(_HOLD, [locks_of(organisation, keys)])


def bury(*, organisation: UUID, keys: Iterable[bytes], memory: UUID, decision: UUID, at: datetime) -> None:
    """Reject values; one that is rejected already keeps its first rejection. `hold` them before."""
    with raw_cursor() as cursor:
        cursor.execute(_BURY, [organisation, memory, decision, at, list(keys)])


def lift(organisation: UUID, keys: Iterable[bytes]) -> int:
    """Let values be written again; return how many keys were rejected."""
    with raw_cursor() as cursor:
        return cursor.execute(_LIFT, [organisation, list(keys)]).rowcount
