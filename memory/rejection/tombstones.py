"""Rejected values. Every way to write a memory asks here, inside its own transaction, before it writes.

A store and a rejection of one value meet on an advisory lock: shared by stores, exclusive to the rejection. Without it a
store that looked before the rejection committed could commit after it. Locks are always taken before rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import pipelined, raw_cursor
from liftos.kernel.errors import Conflict
from memory.analysis.value_keys import locks_of, traces_of, value_keys
from memory.analysis.windows import Shape
from memory.policy_types import RejectedInside
from memory.types import Rejection

_SHARE = "SELECT pg_advisory_xact_lock_shared(n) FROM unnest(%s::bigint[]) AS n"
_HOLD = "SELECT pg_advisory_xact_lock(n) FROM unnest(%s::bigint[]) AS n"
_FIND = """
SELECT value, decision_id, memory_id, recorded_at FROM memory_tombstone
WHERE organisation_id = %s AND value = ANY(%s::bytea[])
"""
# grouped, so that ten thousand rejections are a few rows
_TRACES = f"""
SELECT words, lead, trail, array_agg(anchor) FROM memory_tombstone
WHERE organisation_id = %(organisation)s AND anchor IS NOT NULL AND NOT EXISTS (
    SELECT FROM memory_rejectionpolicy WHERE organisation_id = %(organisation)s AND policy = '{RejectedInside.ALLOW}')
GROUP BY words, lead, trail
"""  # noqa: S608  put together from a word of our own
_BURY = """
INSERT INTO memory_tombstone (organisation_id, value, memory_id, decision_id, recorded_at, words, lead, trail, anchor)
SELECT %s, value, %s, %s, %s, words, lead, trail, anchor
FROM unnest(%s::bytea[], %s::int[], %s::int[], %s::int[], %s::bigint[]) AS t(value, words, lead, trail, anchor)
ON CONFLICT (organisation_id, value) DO NOTHING
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
        return {"rejection": self.rejection.as_json()}


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of some writes.

    Attributes:
        rejections: of those whose value is a rejected one.
        anchors: of rejected values that are to be looked for inside the others' texts, by shape; none where the policy allows them.
    """

    rejections: dict[UUID, Rejection] = field(default_factory=dict)
    anchors: dict[Shape, list[int]] = field(default_factory=dict)


def find_rejections(organisation: UUID, keys: Mapping[UUID, tuple[bytes, ...]]) -> Found:
    """Return which of some writes are a rejected value; keep others from rejecting theirs until this transaction ends.

    Args:
        organisation: whose.
        keys: of each write's value, by any id of the write.
    """
    wanted = {key for each in keys.values() for key in each}
    if not wanted:
        return Found()
    with pipelined():
        # two statements: the second must see what was committed while the first waited
        raw_cursor().execute(_SHARE, [locks_of(organisation, wanted)])
        found = raw_cursor().execute(_FIND, [organisation, list(wanted)])
        traced = raw_cursor().execute(_TRACES, {"organisation": organisation})
        known, rows = _by_key(found.fetchall()), traced.fetchall()
    anchors = {Shape(*row[:3]): row[3] for row in rows}
    rejections = {write: known[key] for write, each in keys.items() for key in reversed(each) if key in known}
    return Found(rejections, anchors)


def rejections_of(organisation: UUID, keys: Iterable[bytes]) -> dict[bytes, Rejection]:
    """Return which keys are those of rejected values."""
    with raw_cursor() as cursor:
        return _by_key(cursor.execute(_FIND, [organisation, list(keys)]).fetchall())


def _by_key(rows: Iterable[tuple[Any, ...]]) -> dict[bytes, Rejection]:
    return {bytes(row[0]): Rejection(*row[1:]) for row in rows}


def hold(organisation: UUID, keys: Iterable[bytes]) -> None:
    """Keep others from writing or rejecting values until this transaction ends."""
    with raw_cursor() as cursor:
        cursor.execute(_HOLD, [locks_of(organisation, keys)])


def bury(*, organisation: UUID, text: str, memory: UUID, decision: UUID, at: datetime) -> None:
    """Reject a text's value; a form that is rejected already keeps its first rejection. `hold` its keys before."""
    keys, traces = value_keys(organisation, text), traces_of(organisation, text)
    shapes = [traces[key].shape if key in traces else (None, None, None) for key in keys]
    columns = [list(column) for column in zip(*shapes, strict=True)] or [[], [], []]
    columns.append([traces[key].anchor if key in traces else None for key in keys])
    with raw_cursor() as cursor:
        cursor.execute(_BURY, [organisation, memory, decision, at, list(keys), *columns])


def lift(organisation: UUID, keys: Iterable[bytes]) -> int:
    """Let values be written again; return how many keys were rejected."""
    with raw_cursor() as cursor:
        return cursor.execute(_LIFT, [organisation, list(keys)]).rowcount
