"""Filters of events about memories. See `liftos.kernel.ports.MemoryFilters`."""

from collections.abc import Set as AbstractSet
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import read_column
from memory.search.filter_sql import where_row
from memory.search.filters import InvalidFilter, parse_filters
from memory.search.types import SearchRequest
from memory.statements import PASSING


class EventFilters:
    """Tests memories by metadata filters."""

    def check(self, filters: Any) -> None:
        """Check filters.

        Raises:
            InvalidFilter: they are invalid.
        """
        if not isinstance(filters, dict):
            raise InvalidFilter("Filters must be an object.", loc=("filters",))
        parse_filters(filters)

    def passing(self, organisation: UUID, filters: Any, memories: AbstractSet[UUID]) -> set[UUID]:
        """Return those memories that pass, in any trust state, and that the viewer sees."""
        request = SearchRequest("", conditions=parse_filters(filters))
        condition, values = where_row(request, "m", any_state=True)
        values |= {"organisation": organisation, "memories": list(memories)}
        return set(read_column(PASSING.format(where=condition), values))
