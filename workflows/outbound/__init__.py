"""HTTP requests to other services, under the name by which others import them. See `liftos.kernel.outbound`."""

from liftos.kernel.outbound import (
    AllowedHosts,
    Answer,
    InvalidHostList,
    OutboundRefused,
    OutboundUnavailable,
    send,
)

__all__ = ["AllowedHosts", "Answer", "InvalidHostList", "OutboundRefused", "OutboundUnavailable", "send"]
