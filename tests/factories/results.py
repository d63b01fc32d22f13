"""An in-process substitute for the shared cache of function results."""

import time
from collections import OrderedDict

from liftos.kernel.caching.results.shared import PER_ORGANISATION


class InMemoryResults:
    """Results kept in this process."""

    errors = 0

    def __init__(
        self,
        *,
        ttl=3600,
        capacity=PER_ORGANISATION,
        clock=time.monotonic,
    ):
        """Create an empty store."""
        self._ttl, self._capacity, self._clock = ttl, capacity, clock
        self._by_organisation = {}

    def get(self, key):
        """Return a result, or None."""
        for entries in self._by_organisation.values():
            if key in entries and self._clock() < entries[key][1]:
                return entries[key][0]
        return None

    def put(self, organisation, key, value):
        """Store a result."""
        entries = self._by_organisation.setdefault(organisation, OrderedDict())
        entries[key] = value, self._clock() + self._ttl
        entries.move_to_end(key)
        while len(entries) > self._capacity:
            entries.popitem(last=False)

    def forget(self, organisation):
        """Remove an organisation's results."""
        self._by_organisation.pop(organisation, None)
        return True
