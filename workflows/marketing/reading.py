"""Read a platform's entries: names by the platform, amounts exact, everything that can't be read named by index and field. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from liftos.kernel.http.parsing import item
from liftos.kernel.precedence import giving_way
from workflows.marketing.sources import ACTIONS, PLATFORMS, PURCHASE, Platform
from workflows.marketing.types import (
    COUNTS,
    MAX_AMOUNT,
    MAX_NAME,
    MEASURES,
    DataSource,
    EntryDraft,
)

Problem = dict[str, Any]
_MICRO = Decimal(1_000_000)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_FIRST, _LAST = date(1900, 1, 1), date(2199, 12, 31)
# decimal places that the column keeps
_PLACES = 20
# ISO 4217: currencies without minor units, in which Stripe's API gives whole units
_WHOLE_UNITS = frozenset(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF UGX VND VUV XAF XOF XPF".split()  # noqa: SIM905  a list of codes reads so
)
_MISSING = object()


class _Unreadable(Exception):
    """A value that can't be read, with the field's name."""

    def __init__(self, kind: str, name: str, message: str, value: Any) -> None:
        super().__init__(message)
        self.kind, self.name, self.message, self.value = kind, name, message, value


@dataclass(frozen=True, slots=True)
class Batch:
    """The entries of a request.

    Attributes:
        drafts: those that could be read, by index.
        problems: 422 items of the others, by index.
    """

    drafts: dict[int, EntryDraft]
    problems: dict[int, list[Problem]]

    @property
    def items(self) -> list[Problem]:
        """All problems in order."""
        return [each for index in sorted(self.problems) for each in self.problems[index]]


def read_entries(
    source: DataSource, entries: Sequence[Any], starts_on: date, ends_on: date, *, loc: tuple[str | int, ...]
) -> Batch:
    """Read the entries of a request.

    Args:
        source: the platform.
        entries: as sent.
        starts_on: the first day of entries that name none.
        ends_on: their last day.
        loc: where the entries stand in the request.
    """
    batch = Batch({}, {})
    seen: dict[tuple[str, date, date], int] = {}
    currency = ""
    for index, entry in enumerate(giving_way(entries)):
        draft, problems = _read(source, entry, starts_on, ends_on)
        if draft is not None:
            earlier = seen.setdefault(draft.key, index)
            currency = currency or draft.currency
            if earlier != index:
                message = f"Entry {earlier} of the batch has the same id and dates"
                problems.append(_Unreadable("duplicate_entry", "id", message, draft.source_id))
            elif draft.currency and draft.currency != currency:
                message = f"All entries of a batch have one currency; earlier ones are in {currency}"
                problems.append(_Unreadable("mixed_currencies", "currency", message, draft.currency))
        if draft is None or problems:
            batch.problems[index] = [
                item(
                    each.kind,
                    (*loc, index, *([each.name] if each.name else [])),
                    each.message,
                    _shown(each.value),
                )
                for each in problems
            ]
        else:
            batch.drafts[index] = draft
    return batch


def _shown(value: Any) -> Any:
    return value[:200] if isinstance(value, str) else value


def _read(
    source: DataSource, entry: Any, starts_on: date, ends_on: date
) -> tuple[EntryDraft | None, list[_Unreadable]]:
    if not isinstance(entry, dict):
        return None, [_Unreadable("dict_type", "", "Input should be a valid dictionary", entry)]
    reader = _Reader(PLATFORMS[source], source, entry)
    problems: list[_Unreadable] = []
    figures: dict[str, Decimal | None] = {}
    for measure in MEASURES:
        try:
            figures[measure] = reader.measure(measure)
        except _Unreadable as error:
            problems.append(error)
    texts: dict[str, str] = {}
    for name in ("campaign_id", "campaign_name", "channel", "geo", "source_id", "time_zone"):
        try:
            texts[name] = reader.text(name, 60 if name == "time_zone" else MAX_NAME)
        except _Unreadable as error:
            problems.append(error)
    days = starts_on, ends_on
    currency = ""
    try:
        days = reader.days(starts_on, ends_on)
    except _Unreadable as error:
        problems.append(error)
    try:
        currency = reader.currency()
    except _Unreadable as error:
        problems.append(error)
    if problems:
        return None, problems
    return EntryDraft(
        source=source,
        source_id=texts["source_id"] or _derived_id(entry),
        starts_on=days[0],
        ends_on=days[1],
        figures=reader.in_units(figures, currency),
        campaign_id=texts["campaign_id"],
        campaign_name=texts["campaign_name"],
        channel=texts["channel"] or reader.platform.channel or str(source),
        geo=texts["geo"],
        currency=currency,
        time_zone=texts["time_zone"] or reader.offset,
        read=tuple(reader.read),
        not_understood={name: value for name, value in entry.items() if name not in reader.tops},
    ), []


def _derived_id(entry: Mapping[str, Any]) -> str:
    """Return an id of an entry without one: equal entries have equal ids."""
    text = json.dumps(entry, sort_keys=True, ensure_ascii=False)
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


class _Reader:
    """Reads one entry, and keeps the names of the fields that it read."""

    def __init__(self, platform: Platform, source: DataSource, entry: dict[str, Any]) -> None:
        self.platform, self.source, self.entry = platform, source, entry
        self.read: list[str] = []
        self.tops: set[str] = set()
        self.offset = ""
        self.amount_name = ""

    def measure(self, measure: str) -> Decimal | None:
        """Return a measure, None if the entry does not say."""
        if self.source is DataSource.META_BUSINESS and measure in ACTIONS:
            listed = ACTIONS[measure]
            if self.entry.get(listed) is not None:
                return self._purchases(measure, listed)
        name, value = self._find(measure)
        if value is None:
            return None
        amount = self._number(name, value)
        if name in self.platform.micros:
            amount = amount / _MICRO
        if measure in COUNTS and amount < 0:
            raise _Unreadable("greater_than_equal", name, "Input should be greater than or equal to 0", value)
        if measure == "revenue":
            self.amount_name = name
        return amount

    def in_units(self, figures: dict[str, Decimal | None], currency: str) -> dict[str, Decimal | None]:
        """Return figures with the amount of one of Stripe's API objects, which counts cents, in units of its currency."""
        revenue = figures["revenue"]
        is_object = self.source is DataSource.STRIPE and isinstance(self.entry.get("object"), str)
        if is_object and revenue is not None and currency not in _WHOLE_UNITS:
            return figures | {"revenue": revenue / 100}
        return figures

    def text(self, what: str, most: int) -> str:
        """Return a text or a number as text, "" if the entry has none."""
        name, value = self._find(what)
        if value is None:
            return ""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise _Unreadable("string_type", name, "Input should be a valid string", value)
        value = value.strip()
        if len(value) > most:
            raise _Unreadable("string_too_long", name, f"String should have at most {most} characters", value)
        return value

    def currency(self) -> str:
        """Return the currency in capital letters, "" if unknown."""
        name, value = self._find("currency")
        if value is None or value == "":
            return ""
        if not (isinstance(value, str) and re.fullmatch(r"[A-Za-z]{3}", value)):
            raise _Unreadable("currency", name, "Input should be a currency's code of three letters", value)
        return value.upper()

    def days(self, starts_on: date, ends_on: date) -> tuple[date, date]:
        """Return the entry's first and last day: its own, or else the request's."""
        first_name, first = self._find("starts_on")
        last_name, last = self._find("ends_on")
        if first is None and last is None:
            return starts_on, ends_on
        start = self._day(first_name, first) if first is not None else starts_on
        end = self._day(last_name, last) if last is not None else start
        if end < start:
            raise _Unreadable(
                "dates_reversed",
                last_name,
                f"The last day should not be before the first, {start}",
                last or first,
            )
        return start, end

    def _find(self, what: str) -> tuple[str, Any]:
        for name in self.platform.names_of(what):
            value = self._at(name)
            if value is not _MISSING:
                self.read.append(name)
                self.tops.add(name if name in self.entry else name.split(".")[0])
                return name, value
        return "", None

    def _at(self, name: str) -> Any:
        if name in self.entry:
            value = self.entry[name]
            # PayPal's amounts and Google's campaigns are objects: their parts have names of their own
            return _MISSING if value is None or isinstance(value, dict) else value
        value = self.entry
        for part in name.split("."):
            if not isinstance(value, dict) or part not in value:
                return _MISSING
            value = value[part]
        return _MISSING if value is None or isinstance(value, dict) else value

    def _purchases(self, measure: str, listed: str) -> Decimal | None:
        actions = self.entry[listed]
        self.read.append(listed)
        self.tops.add(listed)
        if not isinstance(actions, list):
            raise _Unreadable("list_type", listed, "Input should be a valid list", actions)
        total: Decimal | None = None
        for each in actions:
            if not isinstance(each, dict):
                raise _Unreadable(
                    "dict_type", listed, "Its elements should be objects with action_type and value", each
                )
            if each.get("action_type") == PURCHASE:
                total = (total or Decimal(0)) + self._number(listed, each.get("value"))
        # a list of actions without a purchase says that there was none
        return total if total is not None or measure == "revenue" else Decimal(0)

    def _number(self, name: str, value: Any) -> Decimal:
        if isinstance(value, str) and self.platform.takes_text and _NUMBER.fullmatch(value.strip()):
            amount = Decimal(value.strip())
        elif isinstance(value, int | float) and not isinstance(value, bool):
            amount = Decimal(repr(value)) if isinstance(value, int) else Decimal(repr(float(value)))
        else:
            raise _Unreadable("number_type", name, "Input should be a valid number", value)
        if not amount.is_finite():
            raise _Unreadable("finite_number", name, "Input should be a finite number", str(value))
        if abs(amount) >= MAX_AMOUNT:
            raise _Unreadable(
                "number_too_large", name, f"Input should be below {MAX_AMOUNT:.0e} in size", str(value)[:40]
            )
        if int(amount.as_tuple().exponent) < -_PLACES or Decimal(repr(float(amount))) != amount:
            raise _Unreadable(
                "too_many_digits", name, "Input should have at most 15 significant digits", str(value)[:40]
            )
        return amount

    def _day(self, name: str, value: Any) -> date:
        day: date | None = None
        if isinstance(value, str):
            day = self._written_day(value.strip())
        elif (
            isinstance(value, int)
            and not isinstance(value, bool)
            and name == "created"
            and 0 <= value < 2**33
        ):
            day, self.offset = datetime.fromtimestamp(value, UTC).date(), "UTC"
        if day is None or not _FIRST <= day <= _LAST:
            raise _Unreadable("date_parsing", name, "Input should be a date such as 2024-01-31", value)
        return day

    def _written_day(self, text: str) -> date | None:
        """Return the day that a date or time names where it was written, and keep the time's offset."""
        try:
            if len(text) <= 10:
                return date.fromisoformat(text)
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        if moment.tzinfo is not None:
            name = moment.strftime("%z")
            self.offset = "UTC" if name == "+0000" else f"{name[:3]}:{name[3:5]}"
        return moment.date()
