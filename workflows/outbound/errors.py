"""Why a request to another service failed. What may pass is one kind, what will not the other."""

from liftos.kernel.errors import InvalidInput, Unavailable


class OutboundRefused(InvalidInput):
    """This request to another service is not allowed, or was answered with a refusal; trying again will not help."""

    code = "workflows.outbound_refused"


class OutboundUnavailable(Unavailable):
    """The other service did not answer, or asked to come back later; trying again may help."""

    code = "workflows.outbound_unavailable"
