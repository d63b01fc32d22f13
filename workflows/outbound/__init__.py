"""HTTP requests to other services: only to allowed hosts, and only to the address that was checked. No Django here."""

from workflows.outbound.addresses import AllowedHosts, InvalidHostList
from workflows.outbound.client import Answer, send
from workflows.outbound.errors import OutboundRefused, OutboundUnavailable

__all__ = ["AllowedHosts", "Answer", "InvalidHostList", "OutboundRefused", "OutboundUnavailable", "send"]
