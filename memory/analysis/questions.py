"""Recognise questions by how they end and begin. Pure."""

import re

# question marks: ASCII and full width, Greek, Arabic, Armenian, Ethiopic, reversed, doubled
MARKS = "?\uff1f\u037e\u061f\u055e\u1367\u2e2e\u2047\u2048\u2049\u203d\u2753\u2754"
_CLOSING = " \t\r\n\"')]}\u2019\u201d\u00bb\u300d\u300f\uff09"
_ENDING = re.compile(
    # the semicolon of Greek; Chinese, Japanese and Korean particles
    "[\u0370-\u03ff\u1f00-\u1fff];$|[\u5417\u55ce\u5462]\u3002?$|[\u3067\u307e]\u3059\u304b\u3002?$|[\uae4c\ub098]\uc694?\\.?$"
)
_BEGINNING = re.compile(
    r"\s*(?:who|whom|whose|what|which|when|where|why|how|is|are|was|were|do|does|did|has|have|had|can|could|will|would|should)\b",
    re.IGNORECASE,
)


def ends_as_question(text: str) -> bool:
    """Return whether a text ends in a question mark or particle."""
    end = text.rstrip(_CLOSING)
    if end.isascii():
        return end.endswith("?")
    return end.endswith(tuple(MARKS)) or _ENDING.search(end) is not None or "\u055e" in end[-40:]


def is_question(text: str) -> bool:
    """Return whether a query is worded as a question."""
    return ends_as_question(text) or _BEGINNING.match(text) is not None
