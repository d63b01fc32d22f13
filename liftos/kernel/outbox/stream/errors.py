"""Errors of the event stream."""

from liftos.kernel.errors import LiftosError, Unavailable
from liftos.kernel.http.limits import TooManyRequests


class EventsGone(LiftosError):
    """The events that followed are no longer kept; 0 begins with the oldest that is."""

    status = 410


class TooManyStreams(TooManyRequests):
    """The key has as many open streams as it may have; close one first."""


class StreamsFull(Unavailable):
    """As many streams are open as this process serves; try again later."""
