"""Accountability's admin pages; Django discovers them through this package."""

from accountability.admin.calibration import CalibrationAdmin
from accountability.admin.decisions import DecisionRecordAdmin
from accountability.admin.review_policy import ReviewPolicyAdmin
from accountability.admin.review_queue import ReviewCaseAdmin

__all__ = ["CalibrationAdmin", "DecisionRecordAdmin", "ReviewCaseAdmin", "ReviewPolicyAdmin"]
