"""The entries that a request asks for: sources, days, campaigns and filters, as SQL conditions on their typed rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from liftos.kernel.errors import InvalidInput
from memory.search.attribute_sql import attribute_tests
from memory.search.filter_types import ORDER, Condition, Filter
from memory.search.filters import parse_filters
from workflows.marketing.types import MEASURES, DataSource

TEXT_FIELDS = ("data_source", "campaign_id", "campaign_name", "channel", "geo", "currency")
"""Columns of texts that filters may test; other keys are tested in the memory's metadata."""


class MixedCurrencies(InvalidInput):
    """The entries asked for are in several currencies, which can't be added; choose one by a filter on `currency`."""

    code = "marketing.mixed_currencies"


@dataclass(frozen=True, slots=True)
class Asked:
    """The entries asked for.

    Attributes:
        sources: empty for all.
        starts_on, ends_on: entries whose days overlap these, both included; None for no bound.
        campaign_ids: empty for all.
        above_zero: measures of which an entry has at least one above 0; empty for all entries.
        filters: further conditions, all of which must hold.
    """

    sources: tuple[DataSource, ...] = ()
    starts_on: date | None = None
    ends_on: date | None = None
    campaign_ids: tuple[str, ...] = ()
    above_zero: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = field(default=())

    def where(self, organisation: Any) -> tuple[str, dict[str, Any]]:
        """Return the condition on rows `e` of marketing_entry that count, and its parameters."""
        parameters: dict[str, Any] = {"organisation": organisation}
        tests = ["e.organisation_id = %(organisation)s", "e.counts"]

        def test(sql: str, **values: Any) -> None:
            tests.append(sql)
            parameters.update(values)

        if self.sources:
            test("e.data_source = ANY(%(sources)s::text[])", sources=[str(each) for each in self.sources])
        if self.starts_on is not None:
            test("e.ends_on >= %(starts_on)s", starts_on=self.starts_on)
        if self.ends_on is not None:
            test("e.starts_on <= %(ends_on)s", ends_on=self.ends_on)
        if self.campaign_ids:
            test("e.campaign_id = ANY(%(campaigns)s::text[])", campaigns=list(self.campaign_ids))
        if self.above_zero:
            test("(" + " OR ".join(f"e.{each} > 0" for each in self.above_zero) + ")")
        of_metadata = []
        for number, each in enumerate(self.filters):
            found = _column_test(each, number, parameters)
            if found is None:
                of_metadata.append(each)
            else:
                tests.append(found)
        tests += attribute_tests(of_metadata, "e.memory_id", parameters)
        return " AND ".join(tests), parameters


def _column_test(each: Filter, number: int, parameters: dict[str, Any]) -> str | None:
    """Return the test of a condition on a column; None for one on other metadata."""
    if not isinstance(each, Condition):
        return None
    name = f"value{number}"
    if each.key in MEASURES and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in each.values
    ):
        values: Sequence[Any] = [Decimal(repr(value)) for value in each.values]
        kind = "numeric"
    elif each.key in TEXT_FIELDS and all(isinstance(value, str) for value in each.values):
        values, kind = each.values, "text"
    else:
        return None
    if each.operator in ORDER:
        parameters[name] = values[0]
        return f"e.{each.key} {ORDER[each.operator]} %({name})s::{kind}"
    if each.operator in ("eq", "in"):
        parameters[name] = list(values)
        return f"e.{each.key} = ANY(%({name})s::{kind}[])"
    return None


def applied(asked: Asked) -> Mapping[str, Any]:
    """Return the conditions that were applied, as the old search answers them."""
    shown: dict[str, Any] = {}
    if asked.sources:
        shown["data_sources"] = [str(each) for each in asked.sources]
    if asked.starts_on is not None:
        shown["date_range_start"] = asked.starts_on.isoformat()
    if asked.ends_on is not None:
        shown["date_range_end"] = asked.ends_on.isoformat()
    if asked.campaign_ids:
        shown["campaign_ids"] = list(asked.campaign_ids)
    if asked.above_zero:
        shown["metrics"] = list(asked.above_zero)
    return shown


def conditions(asked: Asked) -> tuple[Filter, ...]:
    """Return the same conditions on the metadata of entries' memories, for a search."""
    wanted: dict[str, Any] = {"entry_id": {"$exists": True}}
    if asked.sources:
        wanted["data_source"] = {"$in": [str(each) for each in asked.sources]}
    if asked.starts_on is not None:
        wanted["date_range_end"] = {"$gte": asked.starts_on.isoformat()}
    if asked.ends_on is not None:
        wanted["date_range_start"] = {"$lte": asked.ends_on.isoformat()}
    if asked.campaign_ids:
        wanted["campaign_id"] = {"$in": list(asked.campaign_ids)}
    if asked.above_zero:
        wanted["$or"] = [{each: {"$gt": 0}} for each in asked.above_zero]
    return parse_filters(wanted)
