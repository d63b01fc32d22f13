"""Errors of webhooks."""

from liftos.kernel.errors import Conflict, InvalidInput, NotFound


class WebhookNotFound(NotFound):
    """There is no such webhook."""


class DeliveryNotFound(NotFound):
    """The webhook has no such delivery."""


class TooManyWebhooks(Conflict):
    """The organisation has as many webhooks as it may have."""


class UnknownEventType(InvalidInput):
    """There are no events of this type."""


class EventGone(Conflict):
    """The event is no longer kept."""
