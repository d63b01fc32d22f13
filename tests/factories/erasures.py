"""Erasures of decision payloads, without stored memories."""

from uuid import UUID, uuid4

from accountability.erasure import LISTED, erase_payloads, payloads_about
from accountability.operations import record
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM


def record_erasure(organisation: UUID, memory: UUID, listed: list[UUID], **fields: object) -> UUID:
    """Record an erasure that lists decisions, in the caller's transaction, and scrub nothing."""
    values = {
        "operation": "memory.delete",
        "effect": "delete",
        "subject": ("memory", str(memory)),
        "reasoning": "asked to",
        "outputs": {LISTED: listed},
    }
    return record(organisation=organisation, by=SYSTEM, **(values | fields))  # type: ignore[arg-type]


def scrub(organisation: UUID, memory: UUID) -> int:
    """Erase decisions' payloads about a memory; return their number."""
    with tenant_transaction(organisation):
        listed = payloads_about(organisation=organisation, memories=[memory])
        erasure = record_erasure(organisation, memory, listed)
        return erase_payloads(organisation=organisation, memory=memory, erasure=erasure)


def record_about(organisation: UUID, memory: UUID | None = None) -> UUID:
    """Record a decision about a memory."""
    with tenant_transaction(organisation):
        return record(
            organisation=organisation,
            by=SYSTEM,
            operation="memory.store",
            subject=("memory", str(memory or uuid4())),
            reasoning="it says that Ann earns 5,000",
        )
