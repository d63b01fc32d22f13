"""Rule-based recognition of the entities in a memory, and of candidate names in a question. Pure.

Three sources, strongest first; a name found by several has the kind of the strongest:

- `actor`: who said or did it, from metadata such as `speaker` or `author`, or content that begins "Name: …";
- the values of metadata keys such as `campaign`, `product` or `channel`; the kind is the key;
- `name`: capitalised words within a sentence (at its start only if two or more), `@handle` and `#topic`.

Candidate names in a question are its runs of one to four words, looked up in the organisation's entity index, so that
"did nordlicht pay off" finds the campaign "Nordlicht" despite the lower case.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from memory.analysis.apostrophes import split
from memory.analysis.folding import APOSTROPHE, normalise
from memory.analysis.periods import MONTHS
from memory.analysis.scripts import CAPITALS, MARKS

ACTOR, NAME = "actor", "name"
ACTOR_KEYS = (
    "actor",
    "author",
    "speaker",
    "sender",
    "from",
    "user",
    "participant",
    "role",
    "assignee",
    "owner",
)
FIELD_KEYS = (
    "account", "advertiser", "agency", "audience", "brand", "campaign", "channel", "city", "client", "company",
    "competitor", "country", "customer", "department", "market", "organisation", "organization", "partner", "people",
    "person", "platform", "product", "project", "region", "retailer", "segment", "store", "supplier", "team", "vendor",
)  # fmt: skip
MAX_LENGTH = 80
MAX_NAMES = 64  # per memory
MAX_QUESTION_WORDS = 40
# capitalised in English without being names
NOT_NAMES = frozenset(MONTHS) | {
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
    "i", "i'm", "i've", "i'll", "i'd",
}  # fmt: skip
MAX_NAME_WORDS = 4
_LINKING = "of|de|da|di|del|du|von|van|zu|der|den|al|el"


class _Patterns(NamedTuple):
    """The patterns of names: of who says it, capitalised ones, handles and topics, and the words of a question."""

    prefix: re.Pattern[str]
    capitalised: re.Pattern[str]
    handle: re.Pattern[str]
    word: re.Pattern[str]


def _patterns(capital: str, apostrophes: str, marks: str = "") -> _Patterns:
    """Return the patterns for texts with given capital letters, apostrophes and combining marks."""
    name = rf"[{capital}][\w&{apostrophes}{marks}-]*"
    actor = rf"[^\W\d_][\w.{apostrophes}{marks}-]*"
    return _Patterns(
        re.compile(rf"\s*({actor}(?: {actor}){{0,3}})(?:: |\uff1a)"),
        re.compile(rf"(?<![\w@#]){name}(?: (?:(?:{_LINKING}) ){{0,2}}{name})*"),
        re.compile(rf"(?<!\w)[@#]([^\W_][\w{marks}-]{{1,60}})"),
        re.compile(rf"[^\W_][\w&{apostrophes}{marks}-]*"),
    )


# ASCII texts are most and read six times as fast
_ASCII = _patterns("A-Z", "'")
_ANY = _patterns(CAPITALS, "'\u2019\u02bc", MARKS)
# also Greek, Arabic, Urdu, Devanagari, Armenian, Chinese and Spanish marks
_SENTENCE_END = re.compile(
    "(?:^|[.!?:;\\n\u2026\u037e\u061f\u06d4\u0964\u0589\u3002\uff01\uff1f\uff1a]['\")\\]\u201d\u00bb\u300d]?)\\s*[\u00bf\u00a1\"'(\\[\u201c\u201e\u00ab\u300c]?$"
)
_POSSESSIVE = re.compile(r"'s?$")


def name_key(text: str) -> str:
    """Return a name's index key: NFKC, case folded, nothing invisible, single spaces, no possessive ending."""
    folded = " ".join(normalise(text, "").replace("_", " ").split())
    return _POSSESSIVE.sub("", folded)[:MAX_LENGTH]


def entities_of(content: str, metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return at most 64 of a memory's entities, as key to kind."""
    content = _composed(content)
    found: dict[str, str] = {}
    for kind, text in _entities(content, metadata):
        key = name_key(text)
        if key:
            found.setdefault(key, kind)
        if len(found) == MAX_NAMES:
            break
    return found


def names_in(question: str) -> list[str]:
    """Return the distinct keys of a question's runs of one to four words."""
    found = _patterns_for(question).word.findall(_composed(question))[:MAX_QUESTION_WORDS]
    words = [name_key(word) for word in found]
    runs = (
        " ".join(words[start : start + length])
        for length in range(1, MAX_NAME_WORDS + 1)
        for start in range(len(words) - length + 1)
    )
    # "d'Anna" and "Istanbul'daki" also name Anna and Istanbul
    parts = (part for word in words if APOSTROPHE in word for part in split(word, "tr"))
    return list(dict.fromkeys(run for run in (*runs, *parts) if run))


def _entities(content: str, metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in ACTOR_KEYS:
        if key in metadata:
            yield from ((ACTOR, text) for text in _texts(metadata[key]))
    patterns = _patterns_for(content)
    prefix = patterns.prefix.match(content)
    if prefix:
        yield ACTOR, prefix[1]
    for key in FIELD_KEYS:
        if key in metadata:
            yield from ((key, text) for text in _texts(metadata[key]))
    body = content[prefix.end() :] if prefix else content
    yield from ((NAME, handle) for handle in patterns.handle.findall(body))
    for match in patterns.capitalised.finditer(body):
        text = match[0]
        if name_key(text) in NOT_NAMES:
            continue
        if " " in text or not _SENTENCE_END.search(body[max(0, match.start() - 8) : match.start()]):
            yield NAME, text


def _patterns_for(text: str) -> _Patterns:
    return _ASCII if text.isascii() else _ANY


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if 0 < len(value) <= MAX_LENGTH else []
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str) and 0 < len(each) <= MAX_LENGTH]
    return []
