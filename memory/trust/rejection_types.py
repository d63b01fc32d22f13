"""What an organisation can want of texts that hold a rejected value among others. No Django here."""

from enum import StrEnum


class RejectedInside(StrEnum):
    """What becomes of a text that is written and holds a rejected value inside."""

    FLAG = "flag"
    REFUSE = "refuse"
    ALLOW = "allow"


REJECTED_INSIDE = {
    RejectedInside.FLAG: "flag: stored as a candidate that names the rejection",
    RejectedInside.REFUSE: "refuse: not stored",
    RejectedInside.ALLOW: "allow: stored, not looked at",
}
"""Each with what it means, in a few words."""
