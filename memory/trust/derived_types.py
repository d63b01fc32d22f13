"""What an organisation can want of memories whose source no longer holds. No Django here."""

from enum import StrEnum


class Policy(StrEnum):
    """What becomes of memories that were made from one that was erased, rejected or superseded."""

    CONTEST = "contest"
    HIDE = "hide"
    KEEP = "keep"


POLICIES = {
    Policy.CONTEST: "contest: still found, and marked",
    Policy.HIDE: "hide: found only when asked for",
    Policy.KEEP: "keep: as they are",
}
"""Each with what it means, in a few words."""
