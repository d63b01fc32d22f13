"""Rules for a log's rows beyond their hashes: times in order, and no payload missing unless an erasure lists it.

For logs older than these rules, they apply from the size recorded by the migration (LedgerRule); payloads missing at that time
are exempt (UnlistedErasure).
"""

from datetime import datetime, timedelta
from uuid import UUID

from accountability.leaf import moment
from accountability.ledger.raw_rows import Altered, RawLeaf
from accountability.ledger.statements import (
    COUNT_UNLISTED,
    LISTED_AS_ERASED,
    RULE_SINCE,
    SIGNED_SIZES,
    STILL_THERE,
)
from liftos.kernel.db.transactions import raw_cursor, read_column, read_value

# a record is dated when written and sequenced after its commit; no transaction takes this long
TOLERANCE = timedelta(hours=1)


class Rules:
    """Checks the rules of one log: `check` each leaf in order, then `close`."""

    def __init__(self, organisation: UUID) -> None:
        """Read the log's rule and checkpoints; inside a tenant transaction."""
        self.organisation = organisation
        with raw_cursor() as cursor:
            row = cursor.execute(RULE_SINCE, [organisation]).fetchone()
            self._signed: list[tuple[int, datetime]] = cursor.execute(SIGNED_SIZES, [organisation]).fetchall()
        # fixed-width texts in UTC, which compare as the times do
        self._limits = [(size, moment(at + TOLERANCE)) for size, at in self._signed]
        self._since: int = row[0] if row else 0
        self._next = 0
        self._newest = ""
        self._missing: dict[UUID, int] = {}
        self._check_checkpoints()

    def check(self, leaf: RawLeaf) -> None:
        """Check the time of the next leaf, and note whether its payload is missing.

        Raises:
            Altered: its time is out of order.
        """
        if leaf.erased:
            self._missing[UUID(leaf.decision)] = leaf.place
        if leaf.place < self._since:
            return
        while self._next < len(self._limits) and self._limits[self._next][0] <= leaf.place:
            self._next += 1
        if self._next < len(self._limits) and leaf.recorded > self._limits[self._next][1]:
            raise Altered(
                f"record {leaf.place} ({leaf.decision}) is dated {leaf.recorded}, more than {_hours(TOLERANCE)} after "
                f"the checkpoint at {self._limits[self._next][0]} that signed it"
            )
        if leaf.recorded >= self._newest:
            self._newest = leaf.recorded
        elif _at(self._newest) - _at(leaf.recorded) > TOLERANCE:
            raise Altered(
                f"record {leaf.place} ({leaf.decision}) is dated {leaf.recorded}, "
                f"more than {_hours(TOLERANCE)} before a record that comes earlier in the log"
            )

    def close(self) -> None:
        """Compare the missing payloads with those that erasures list.

        Raises:
            Altered: a payload is missing that no erasure lists, or present although one does.
        """
        if self._missing:
            values = {"organisation": self.organisation, "missing": list(self._missing)}
            excused = set(read_column(LISTED_AS_ERASED, values))
            for decision, place in self._missing.items():
                if decision not in excused:
                    raise Altered(
                        f"the payload of record {place} ({decision}) is missing, and no erasure lists it"
                    )
        found = raw_cursor().execute(STILL_THERE, {"organisation": self.organisation}).fetchone()
        if found is not None:
            raise Altered(f"erasure {found[0]} lists decision {found[1]}, whose payload is still there")

    def unlisted(self) -> int:
        """Return how many payloads were erased before erasures listed them."""
        return read_value(COUNT_UNLISTED, [self.organisation])

    def _check_checkpoints(self) -> None:
        newest: datetime | None = None
        for size, at in self._signed:
            if size > self._since and newest is not None and newest - at > TOLERANCE:
                raise Altered(
                    f"the checkpoint at {size} is dated {moment(at)}, more than {_hours(TOLERANCE)} before an earlier one"
                )
            newest = at if newest is None else max(newest, at)


def is_excused(organisation: UUID, decision: UUID) -> bool:
    """Return whether a decision's payload may be missing: an erasure lists it, or it was erased before erasures did."""
    values = {"organisation": organisation, "missing": [decision]}
    return raw_cursor().execute(LISTED_AS_ERASED, values).fetchone() is not None


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _hours(span: timedelta) -> str:
    return f"{span.total_seconds() / 3600:g} h"
