"""HTTP requests to other services: only to allowed hosts, and only to the address that was checked. No Django here."""

from liftos.kernel.outbound.addresses import AllowedHosts, InvalidHostList
from liftos.kernel.outbound.client import Answer, send
from liftos.kernel.outbound.errors import OutboundRefused, OutboundUnavailable

__all__ = ["AllowedHosts", "Answer", "InvalidHostList", "OutboundRefused", "OutboundUnavailable", "send"]
