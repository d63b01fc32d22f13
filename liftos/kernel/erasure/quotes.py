"""Detection of quotes of texts that are being erased, in other texts and JSON values. Pure.

Texts are compared in a normal form: NFKC, lower case, runs of other characters replaced by one space. A text of at least 12
bytes in that form is quoted wherever it occurs in another text. A shorter one ("yes", "x") occurs too often by chance: it is
quoted only by a value equal to it under a key that holds written text (`SAYING`); a short external id only under a key of ids.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

LEAST = 12
MANY = 50
"""Up to this number of texts, each is searched for; beyond it, candidates are found by one of their words first."""
SAYING = frozenset({"content", "query", "queries", "text", "value", "reasoning", "reason", "message"})
NAMING = frozenset({"external_id", "target_external_id"})
_BREAKS = re.compile(r"[\W_]+")


def normal(text: str) -> str:
    """Return a text's normal form."""
    return _BREAKS.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip()


class Quotes:
    """Texts and external ids to search for.

    Attributes:
        words: one word of each; whatever quotes a text contains its word.
    """

    def __init__(self, texts: Iterable[str], names: Iterable[str] = ()) -> None:
        """Prepare the texts and external ids of the erased memories."""
        said, named = {normal(each) for each in texts} - {""}, {normal(each) for each in names} - {""}
        self._whole = [each for each in said | named if len(each.encode()) >= LEAST]
        self._said = {each for each in said if len(each.encode()) < LEAST}
        self._named = {each for each in named if len(each.encode()) < LEAST}
        # the longest word, ASCII preferred
        self.words = sorted(
            {
                max(each.split(" "), key=lambda word: (word.isascii(), len(word)))
                for each in (*self._whole, *self._said, *self._named)
            }
        )
        self._by_word: dict[str, list[str]] = {}
        self._loose = self._whole
        if len(self._whole) > MANY:
            self._loose = []
            for each in self._whole:
                # where quoted, the first and last word may be part of a longer one
                inner = each.split(" ")[1:-1]
                if inner:
                    self._by_word.setdefault(max(inner, key=len), []).append(each)
                else:
                    self._loose.append(each)

    def __bool__(self) -> bool:
        return bool(self._whole or self._said or self._named)

    def in_text(self, text: str, key: str = "") -> bool:
        """Return whether a text quotes one of them; `key` is the JSON key or column that holds it."""
        if not text:
            return False
        form = normal(text)
        if key in SAYING and form in self._said:
            return True
        if key in NAMING and form in self._named:
            return True
        if any(each in form for each in self._loose):
            return True
        if not self._by_word:
            return False
        return any(each in form for word in set(form.split(" ")) for each in self._by_word.get(word, ()))

    def in_value(self, value: Any, key: str = "") -> bool:
        """Return whether a JSON value or one of its keys quotes one of them."""
        if isinstance(value, str):
            return self.in_text(value, key)
        if isinstance(value, dict):
            return any(self.in_text(name) or self.in_value(each, name) for name, each in value.items())
        if isinstance(value, list):
            return any(self.in_value(each, key) for each in value)
        return False
