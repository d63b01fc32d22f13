"""What an organisation can choose for its memories: of erasures, of rejected values in texts, of sources that no longer hold. No Django here."""

from dataclasses import dataclass
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


class Refuse(StrEnum):
    """Where the external id of an erased memory is refused."""

    IMPORT = "import"
    ALWAYS = "always"
    NEVER = "never"


REFUSALS = {
    Refuse.IMPORT: "import: imports are refused it, other writes are not",
    Refuse.ALWAYS: "always: it can't be stored again",
    Refuse.NEVER: "never: it may be imported and stored again",
}
"""Each with what it means, in a few words."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An organisation's policy for erasures.

    Attributes:
        scrub_quotes: payloads of decisions go that quote an erased text, also where they name no memory.
        refuse_erased_ids: where the external id of an erased memory is refused.
    """

    scrub_quotes: bool = True
    refuse_erased_ids: Refuse = Refuse.IMPORT
