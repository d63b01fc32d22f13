"""Types of secrets."""

from collections.abc import Callable
from dataclasses import dataclass
from re import Match, Pattern


@dataclass(frozen=True, slots=True)
class Detector:
    """One row of the table of detectors.

    Attributes:
        kind: the name that answers, errors and records use.
        pattern: finds candidates; its group `secret`, or else the whole match, is the secret.
        needles: texts that contain none of these, in lower case, are not searched; none to search all.
        accepts: confirms a candidate.
    """

    kind: str
    pattern: Pattern[str]
    needles: tuple[str, ...] = ()
    accepts: Callable[[Match[str]], bool] | None = None


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret in a text: its kind and place in characters, never its value."""

    kind: str
    start: int
    end: int
