"""Errors of requests to other services: permanent and temporary."""

from liftos.kernel.errors import InvalidInput, Unavailable


class OutboundRefused(InvalidInput):
    """The request to the other service is not allowed or was rejected; do not retry."""

    code = "workflows.outbound_refused"


class OutboundUnavailable(Unavailable):
    """The other service did not respond, or asked to retry later."""

    code = "workflows.outbound_unavailable"
