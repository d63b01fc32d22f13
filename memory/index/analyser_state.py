"""Note by which analyser an organisation's index of words is built, when it stores its first memory."""

from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor
from memory.analysis.words import ANALYSER
from memory.index.statements import NOTE_ANALYSER

_noted: set[UUID] = set()
_MOST = 100_000


def note_analyser(organisation: UUID) -> None:
    """Note the current analyser for an organisation without memories, once per process, inside the caller's transaction.

    An organisation without a note has memories from before notes were kept, and is indexed anew (memory/reindexing.py). So is one
    whose first store failed after the note was cached here, which is harmless.
    """
    if organisation in _noted:
        return
    if len(_noted) >= _MOST:
        _noted.clear()
    raw_cursor().execute(NOTE_ANALYSER, (organisation, ANALYSER, ANALYSER, organisation))
    _noted.add(organisation)


def clear_notes() -> None:
    """Forget what was noted, for tests."""
    _noted.clear()
