"""Errors of the inbox."""

from liftos.kernel.errors import Conflict, LiftosError


class EventIdTaken(Conflict):
    """Another event has this source and id."""


class UnknownEventForm(LiftosError):
    """Send application/cloudevents+json, application/cloudevents-batch+json, or an event whose attributes are ce- headers."""

    status = 415
