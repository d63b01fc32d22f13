"""What an organisation can want of erasures. No Django here."""

from dataclasses import dataclass
from enum import StrEnum


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
