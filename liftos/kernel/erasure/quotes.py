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
MANY_WORDS = 20
"""Up to this number of words, a regular expression of Postgres is faster than reading each row."""
FEW, MOST_KNOWN = 40, 10_000
"""Characters of texts whose results are remembered, and their number."""
SAYING = frozenset({"content", "query", "queries", "text", "value", "reasoning", "reason", "message"})
NAMING = frozenset({"external_id", "target_external_id"})
_BREAKS = re.compile(r"[\W_]+")
_NOT_IN_IDS = re.compile(r"[^0-9a-f ]")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PLAIN = re.compile(r"[a-z0-9]+")
_ESCAPES = re.compile(r"\\(?:[bfnrt]|u[0-9a-f]{4})")
# what may precede a whole word: also what JSON writes for a line break. Beside characters beyond ASCII, a word counts as whole.
_BEFORE = r"(^|[^a-z0-9]|\\[bfnrt]|\\u[0-9a-f]{4})"


def normal(text: str) -> str:
    """Return a text's normal form."""
    return _BREAKS.sub(" ", unicodedata.normalize("NFKC", text).lower()).strip()


def _is_telling(word: str) -> tuple[bool, int]:
    # other characters have several forms
    return word.isascii(), len(word)


class Quotes:
    """Texts and external ids to search for.

    Attributes:
        pattern: a regular expression of Postgres that matches whatever may quote one, lower-case and in NFKC, also within JSON; "" if
            that needs `words` alone.
        words: whatever may quote one contains one of these as a whole word (`has_word`), or matches the pattern. Only where they are
            many, for then a regular expression takes a millisecond a row.
        is_like_an_id: whether one of them may be a part of an id.
    """

    def __init__(self, texts: Iterable[str], names: Iterable[str] = ()) -> None:
        """Prepare the texts and external ids of the erased memories."""
        said, named = {normal(each) for each in texts} - {""}, {normal(each) for each in names} - {""}
        self._whole = [each for each in said | named if len(each.encode()) >= LEAST]
        self._said = {each for each in said if len(each.encode()) < LEAST}
        self._named = {each for each in named if len(each.encode()) < LEAST}
        self.is_like_an_id = any(not _NOT_IN_IDS.search(each) for each in self._whole)
        self._known: dict[tuple[str, str], bool] = {}
        self._by_word: dict[str, list[str]] = {}
        self._loose = []
        apart, within = set(), set()
        for each in self._whole:
            # where quoted, the first and last word may be part of a longer one
            inner = each.split(" ")[1:-1]
            if inner:
                word = max(inner, key=_is_telling)
                self._by_word.setdefault(word, []).append(each)
                apart.add(word)
            else:
                self._loose.append(each)
                within.add(max(each.split(" "), key=_is_telling))
        apart.update(max(each.split(" "), key=_is_telling) for each in self._said | self._named)
        # a row is taken apart at all other characters
        plain = {each for each in apart if each.isascii()}
        self.words = frozenset(plain if len(plain) > MANY_WORDS else ())
        apart.difference_update(self.words)
        parts = [f"{_BEFORE}({'|'.join(sorted(apart))})($|[^a-z0-9])"] if apart else []
        self.pattern = "|".join([*sorted(within), *parts])
        if len(self._whole) <= MANY:
            self._loose, self._by_word = self._whole, {}

    def __bool__(self) -> bool:
        return bool(self._whole or self._said or self._named)

    def has_word(self, text: str) -> bool:
        """Return whether a row's text, JSON perhaps, contains one of the words as a whole word."""
        form = (text if text.isascii() else unicodedata.normalize("NFKC", text)).lower()
        if not self.words.isdisjoint(_PLAIN.findall(form)):
            return True
        # JSON writes some characters with letters, which are no part of the word behind them
        return "\\" in form and not self.words.isdisjoint(_PLAIN.findall(_ESCAPES.sub(" ", form)))

    def in_text(self, text: str, key: str = "") -> bool:
        """Return whether a text quotes one of them; `key` is the JSON key or column that holds it."""
        if not text or (not self.is_like_an_id and _ID.fullmatch(text)):
            return False
        if len(text) > FEW:
            return self._quotes(text, key)
        # keys and short values repeat in each of thousands of rows
        if (known := self._known.get((text, key))) is None:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            known = self._known[text, key] = self._quotes(text, key)
        return known

    def _quotes(self, text: str, key: str) -> bool:
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
