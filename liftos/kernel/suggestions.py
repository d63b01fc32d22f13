"""Suggestions for unknown names of fields, parameters, functions, states and dimensions."""

from collections.abc import Iterable
from difflib import SequenceMatcher
from heapq import nlargest
from itertools import islice

LIKE_ENOUGH = 0.7  # difflib's ratio: `expires` and `expires_at` .84, `user_id` and `external_id` .56
MAX_NAME = 100  # comparison time is quadratic in the length
MAX_LISTED = 20
MAX_COMPARED = 300  # each comparison takes microseconds


def nearest(name: str, known: Iterable[str], *, limit: int = 1) -> list[str]:
    """Return the known names similar to an unknown one, most similar first.

    Case, spaces and punctuation are ignored: `memoryType` is similar to `memory_type`.

    Args:
        name: as the caller wrote it.
        known: the valid names.
        limit: maximum number of results.
    """
    wanted = _bare(name)
    if not wanted or len(name) > MAX_NAME:
        return []
    scored = [
        (score, each)
        for each in islice(known, MAX_COMPARED)
        if (score := _likeness(wanted, _bare(each))) >= LIKE_ENOUGH
    ]
    return [each for _, each in nlargest(limit, scored, key=lambda pair: pair[0])]


def suggestion(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Return the end of a message about an unknown name: `; did you mean 'limit'?`, or `otherwise` if none is similar."""
    found = nearest(name, known)
    return f"; did you mean '{found[0]}'?" if found else otherwise


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return the end of a message about an unknown name: `; did you mean 'limit'?`, the known names, or a full stop."""
    names = list(known)
    listed = f"; known: {', '.join(names)}." if 0 < len(names) <= MAX_LISTED else "."
    return suggestion(name, names, listed)


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Return a message about an unknown name, for example `Unknown field 'limt'; did you mean 'limit'?`.

    Args:
        what: the kind of name: `field`, `query parameter`, `dimension`.
        name: as the caller wrote it.
        known: the valid names.
    """
    shown = name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}…"
    return f"Unknown {what} '{shown}'{did_you_mean(name, known)}"


def _bare(name: str) -> str:
    return "".join(character for character in name.casefold() if character.isalnum())


def _likeness(one: str, other: str) -> float:
    if one == other:
        return 1.0
    if min(len(one), len(other)) >= 4 and (one.startswith(other) or other.startswith(one)):
        return 0.9  # `expires` for `expires_at`, `links` for `link`
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    # the quick ratio is an upper bound and costs a tenth
    return matcher.ratio() if matcher.quick_ratio() >= LIKE_ENOUGH else 0.0
