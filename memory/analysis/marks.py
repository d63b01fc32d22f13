"""Strip the punctuation around a text: full stops, quotes, brackets, emphasis, list item markers. Pure.

Marks that change the meaning stay: question marks, a leading sign or comparison, initials ("A. Smith"), unmatched brackets.
"""

import re

_QUOTES = "\"'`\u00b4\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u00ab\u00bb\u2039\u203a\u300c\u300d\u300e\u300f\u301d\u301e\u301f\u2e42"
_EMPHASIS = "*_"
_DOUBLED = ("~~", "==")  # emphasis only when doubled: a single tilde means "about"
_STOPS = ".!,;:\u2026\u3002\uff61\u3001\u0964\u0965\u06d4\u061b\u060c\u0589"
_ITEM = re.compile(
    r"(?:[-+*#\u2010-\u2015\u2212\u2022\u2023\u2043\u204c\u204d\u2219\u22c5\u00b7\u25a0-\u25ff\u2605\u2606\u2713\u2714\u2756\u27a1-\u27be\u2192\u30fb]+"
    r"|\(?\d{1,3}(?:\.\d{1,3})*(?:\)|\.\)?)|\([a-z]\)|[a-z]\)|\(?[ivx]{2,5}\)|\[[ x\u2713\u2714]?\])\s+",
    re.IGNORECASE,
)
_CLOSED_BY = {
    "(": ")", "[": "]", "{": "}", "<": ">", "\u27e8": "\u27e9", "\u3008": "\u3009", "\u300a": "\u300b", "\u3010": "\u3011", "\u3014": "\u3015",
}  # fmt: skip
_MAX_NESTING = 20


def strip_marks(text: str) -> str:
    """Return a text without surrounding marks; a text of nothing but marks is returned unchanged.

    Args:
        text: in NFKC, which folds full-width marks.
    """
    kept = text
    for _ in range(_MAX_NESTING):
        less = _unwrapped(_without_ends(kept))
        if not less.strip() or less == kept:
            break
        kept = less
    return kept


def _without_ends(text: str) -> str:
    # strip rather than a pattern anchored at $, which takes a second on ten thousand quotes in a row
    item = _ITEM.match(text)
    text = text[item.end() :] if item else text
    text = text.rstrip(f"{_STOPS} ")
    if text.startswith(("..", "\u2026")):
        text = text.lstrip(".\u2026 ")
    text = text.lstrip("\u00a1 ").strip(_QUOTES + _EMPHASIS)
    for mark in _DOUBLED:
        text = text.removeprefix(mark).removesuffix(mark)
    return text.strip(" ")


def _unwrapped(text: str) -> str:
    """Return a text without the pair of brackets that encloses all of it, if any."""
    closing = _CLOSED_BY.get(text[:1])
    if closing is None or not text.endswith(closing):
        return text
    depth = 0
    for place, character in enumerate(text):
        depth += (character == text[0]) - (character == closing)
        if not depth:
            return text[1:-1] if place == len(text) - 1 else text
    return text
