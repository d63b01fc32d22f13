"""Reading of the event stream: server-sent events (WHATWG HTML, section 9.2), and when to connect again."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from liftos_client.calls import Call
from liftos_client.models import Event
from liftos_client.retries import Retries

SILENCE_SECONDS = 60.0
"""Longest silence of an open stream; by default the service sends something every 15 seconds."""


class Reading:
    """A stream that is read over several connections.

    Args:
        types: names of types, or beginnings that end with `*`; all if empty.
        after: the sequence number of the last event that is known: 0 for the oldest kept, None for events from now on.
        retries: the pauses before it is connected again.

    Attributes:
        was_open: whether anything has arrived.
        failed: connections that ended since something arrived.
    """

    def __init__(self, types: Sequence[str], after: int | None, retries: Retries) -> None:
        self.was_open, self.failed = False, 0
        self._types, self._retries = types, retries
        self._last = None if after is None else str(after)
        # of the message that is being read
        self._id: str | None = self._last
        self._data: list[str] = []

    def call(self) -> Call[Any]:
        """Return the request that continues the stream."""
        self._begin()
        headers = {"accept": "text/event-stream"} | ({"last-event-id": self._last} if self._last else {})
        query: Mapping[str, Any] = {"types": ",".join(self._types)} if self._types else {}
        return Call("GET", "events/stream", lambda raw: raw, query=query, headers=headers)

    def pause(self) -> float:
        """Return the seconds to wait before connecting again."""
        tries = max(1, min(self.failed, self._retries.most))
        return self._retries.pause(tries) or self._retries.first

    def read(self, line: str) -> Event | None:
        """Read a line; return the event that it ends."""
        self.was_open, self.failed = True, 0
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                self._id = value
            elif name == "data":
                self._data.append(value)
            return None
        # an id counts once its message is complete
        self._last, data = self._id, "\n".join(self._data)
        self._begin()
        return Event.of(json.loads(data)) if data else None

    def _begin(self) -> None:
        self._id, self._data = self._last, []
