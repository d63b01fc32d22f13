"""Extractors: they propose memories from what was said. No Django."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


class ExtractorUnavailable(Exception):
    """The extractor did not answer, or not in the agreed form."""


@dataclass(frozen=True, slots=True)
class Said:
    """One turn as an extractor sees it; `is_new` if candidates may rest on it, otherwise it is context."""

    speaker: str
    text: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A statement worth remembering, and the places, from 0, of the turns it rests on."""

    text: str
    places: tuple[int, ...]


class Extractor(Protocol):
    """Proposes memories. Called by workers, outside of transactions."""

    @property
    def name(self) -> str:
        """The model, for the record."""

    def extract(self, turns: Sequence[Said]) -> list[Candidate]:
        """Return candidates.

        Raises:
            ExtractorUnavailable: no usable answer; the turns are tried again later.
        """
