"""Rejected values, checked by every write inside its own transaction.

Stores take a shared and rejections an exclusive advisory lock on a value. Otherwise a store that checked before a rejection
committed could commit after it. Value locks are always taken before row locks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import pipelined, raw_cursor
from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.errors import Conflict
from memory.analysis.value_keys import locks_of, traces_of, value_keys
from memory.analysis.windows import Shape
from memory.rejection.statements import (
    DELETE_TOMBSTONES,
    FIND_ANCHORS,
    FIND_TOMBSTONES,
    INSERT_TOMBSTONES,
    LOCK_EXCLUSIVE,
    LOCK_SHARED,
)
from memory.types import Rejection


class ValueRejected(Conflict):
    """This value was rejected."""

    code = "memory.value_rejected"

    def __init__(self, rejection: Rejection) -> None:
        """Name the rejection."""
        self.rejection = rejection
        super().__init__(rejection.text, loc=("content",))

    @property
    def extensions(self) -> dict[str, dict[str, str]]:
        """Return further members of the problem details."""
        return {"rejection": self.rejection.as_json()}


@dataclass(frozen=True, slots=True)
class Found:
    """Rejections relevant to writes.

    Attributes:
        rejections: by write, for those whose value is rejected.
        anchors: of all rejected values to search for inside texts, by shape; empty if the policy allows them.
    """

    rejections: dict[UUID, Rejection] = field(default_factory=dict)
    anchors: dict[Shape, list[int]] = field(default_factory=dict)


def find_rejections(
    organisation: UUID, keys: Mapping[UUID, tuple[bytes, ...]], scopes: Mapping[UUID, int]
) -> Found:
    """Return the rejections of writes' values, and lock the values against rejection until the transaction ends.

    A value counts as rejected for writes of the scope in which it was rejected; for all writes, if it was the organisation's.

    Args:
        organisation: the tenant.
        keys: value keys by an id of the write.
        scopes: access scopes by an id of the write.
    """
    wanted = {key for each in keys.values() for key in each}
    if not wanted:
        return Found()
    with pipelined():
        # two statements: the second must see rejections committed while the first waited
        raw_cursor().execute(LOCK_SHARED, [locks_of(organisation, wanted)])
        found = raw_cursor().execute(FIND_TOMBSTONES, [organisation, list(wanted)])
        traced = raw_cursor().execute(
            FIND_ANCHORS,
            {"organisation": organisation, "scopes": sorted({ORGANISATION_SCOPE, *scopes.values()})},
        )
        known, rows = _by_key(found.fetchall()), traced.fetchall()
    anchors = {Shape(*row[:3]): row[3] for row in rows}
    rejections = {
        write: rejection
        for write, each in keys.items()
        for key in reversed(each)
        if (rejection := known.within(key, scopes[write])) is not None
    }
    return Found(rejections, anchors)


@dataclass(frozen=True, slots=True)
class Rejections:
    """Rejections by value key and access scope."""

    rows: dict[tuple[bytes, int], Rejection]

    def within(self, key: bytes, scope: int) -> Rejection | None:
        """Return the rejection that counts for writes of a scope, if any; the organisation's first."""
        return self.rows.get((key, ORGANISATION_SCOPE)) or self.rows.get((key, scope))


def rejections_of(organisation: UUID, keys: Iterable[bytes]) -> Rejections:
    """Return the rejections of those keys that are rejected."""
    with raw_cursor() as cursor:
        return _by_key(cursor.execute(FIND_TOMBSTONES, [organisation, list(keys)]).fetchall())


def _by_key(rows: Iterable[tuple[Any, ...]]) -> Rejections:
    return Rejections({(bytes(row[0]), row[1]): Rejection(*row[2:]) for row in rows})


def lock_values(organisation: UUID, keys: Iterable[bytes]) -> None:
    """Lock values against writes and rejections until the transaction ends."""
    with raw_cursor() as cursor:
        cursor.execute(LOCK_EXCLUSIVE, [locks_of(organisation, keys)])


def reject_value(
    *, organisation: UUID, scope: int, text: str, memory: UUID, decision: UUID, at: datetime
) -> None:
    """Reject a text's value in an access scope. Its keys must be locked by `lock_values`; forms already rejected keep their rejection."""
    keys, traces = value_keys(organisation, text), traces_of(organisation, text)
    shapes = [traces[key].shape if key in traces else (None, None, None) for key in keys]
    columns = [list(column) for column in zip(*shapes, strict=True)] or [[], [], []]
    columns.append([traces[key].anchor if key in traces else None for key in keys])
    with raw_cursor() as cursor:
        cursor.execute(INSERT_TOMBSTONES, [organisation, scope, memory, decision, at, list(keys), *columns])


def lift_rejections(organisation: UUID, scope: int, keys: Iterable[bytes]) -> int:
    """Remove rejections of values in an access scope; return the number of rejected keys."""
    with raw_cursor() as cursor:
        return cursor.execute(DELETE_TOMBSTONES, [organisation, scope, list(keys)]).rowcount
