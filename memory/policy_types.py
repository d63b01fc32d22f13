"""The values of an organisation's policies for memories. No Django."""

from dataclasses import dataclass
from enum import StrEnum


class Policy(StrEnum):
    """The policy for memories derived from one that is erased, rejected or superseded."""

    CONTEST = "contest"
    HIDE = "hide"
    KEEP = "keep"


POLICIES = {
    Policy.CONTEST: "contest: still found, marked as contested",
    Policy.HIDE: "hide: found only on request",
    Policy.KEEP: "keep: unchanged",
}
"""Labels."""


class RejectedInside(StrEnum):
    """The policy for new texts that contain a rejected value."""

    FLAG = "flag"
    REFUSE = "refuse"
    ALLOW = "allow"


REJECTED_INSIDE = {
    RejectedInside.FLAG: "flag: stored as a candidate with a reference to the rejection",
    RejectedInside.REFUSE: "refuse: not stored",
    RejectedInside.ALLOW: "allow: stored without a check",
}
"""Labels."""


class Secrets(StrEnum):
    """The policy for secrets in what is stored: keys, passwords, card numbers and the like."""

    ALLOW = "allow"
    FLAG = "flag"
    REDACT = "redact"
    REFUSE = "refuse"


SECRETS = {
    Secrets.ALLOW: "allow: stored without a check",
    Secrets.FLAG: "flag: stored as a candidate, with a note of what was found",
    Secrets.REDACT: "redact: replaced by a mark before anything is stored",
    Secrets.REFUSE: "refuse: not stored",
}
"""Labels."""


class Refuse(StrEnum):
    """The writes in which the external id of an erased memory is refused."""

    IMPORT = "import"
    ALWAYS = "always"
    NEVER = "never"


REFUSALS = {
    Refuse.IMPORT: "import: refused in imports, allowed in other writes",
    Refuse.ALWAYS: "always: refused in all writes",
    Refuse.NEVER: "never: can be imported and stored again",
}
"""Labels."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An organisation's policy for erasures.

    Attributes:
        scrub_quotes: whether to delete payloads of decisions that quote an erased text, even if they name no memory.
        refuse_erased_ids: where the external id of an erased memory is refused.
    """

    scrub_quotes: bool = True
    refuse_erased_ids: Refuse = Refuse.IMPORT
