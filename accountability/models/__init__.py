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
from accountability.models.outcomes import DecisionOutcome
from accountability.models.reviews import ReviewCase, ReviewPolicy
from accountability.models.search import DecisionText

__all__ = [
    "Calibration", "CitedMemory", "DecisionLink", "DecisionOutcome", "DecisionPayload", "DecisionRecord", "DecisionText", "LedgerCheckpoint", "LedgerDelivery", "LedgerLeaf",
    "LedgerNode", "LedgerPending", "LedgerRule", "ReviewCase", "ReviewPolicy", "UnlistedErasure",
]  # fmt: skip
