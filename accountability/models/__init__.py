"""All of accountability's tables."""

from accountability.models.calibration import Calibration
from accountability.models.decisions import (
    CitedMemory,
    DecisionLink,
    DecisionPayload,
    DecisionRecord,
    UnlistedErasure,
)
from accountability.models.ledger import (
    LedgerCheckpoint,
    LedgerDelivery,
    LedgerLeaf,
    LedgerNode,
    LedgerPending,
    LedgerRule,
)
from accountability.models.reviews import ReviewCase, ReviewPolicy

__all__ = [
    "Calibration", "CitedMemory", "DecisionLink", "DecisionPayload", "DecisionRecord", "LedgerCheckpoint", "LedgerDelivery", "LedgerLeaf",
    "LedgerNode", "LedgerPending", "LedgerRule", "ReviewCase", "ReviewPolicy", "UnlistedErasure",
]  # fmt: skip
