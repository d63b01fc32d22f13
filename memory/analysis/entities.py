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
from typing import Any

from memory.analysis.periods import MONTHS

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

_PREFIX = re.compile(r"\s*([^\W\d_][\w.'\u2019-]*(?: [^\W\d_][\w.'\u2019-]*){0,3}): ")
_CAPITALISED = re.compile(
    r"(?<![\w@#])[A-ZÀ-ÖØ-Þ][\w&'\u2019-]*(?: (?:of |de |von |van )?[A-ZÀ-ÖØ-Þ][\w&'\u2019-]*)*"
)
_HANDLE = re.compile(r"(?<!\w)[@#]([^\W_][\w-]{1,60})")
_SENTENCE_END = re.compile(r"(?:^|[.!?:\n]['\")\]]?)\s*$")
_WORD = re.compile(r"[^\W_][\w&'\u2019-]*")
_POSSESSIVE = re.compile(r"['\u2019]s?$")


def name_key(text: str) -> str:
    """Return a name's index key: NFKC, lower case, single spaces, no possessive ending."""
    folded = " ".join(unicodedata.normalize("NFKC", text).lower().replace("_", " ").split())
    return _POSSESSIVE.sub("", folded)[:MAX_LENGTH]


def entities_of(content: str, metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return at most 64 of a memory's entities, as key to kind."""
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
    words = [name_key(word) for word in _WORD.findall(question)[:MAX_QUESTION_WORDS]]
    runs = (
        " ".join(words[start : start + length])
        for length in range(1, MAX_NAME_WORDS + 1)
        for start in range(len(words) - length + 1)
    )
    return list(dict.fromkeys(run for run in runs if run))


def _entities(content: str, metadata: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in ACTOR_KEYS:
        if key in metadata:
            yield from ((ACTOR, text) for text in _texts(metadata[key]))
    prefix = _PREFIX.match(content)
    if prefix:
        yield ACTOR, prefix[1]
    for key in FIELD_KEYS:
        if key in metadata:
            yield from ((key, text) for text in _texts(metadata[key]))
    body = content[prefix.end() :] if prefix else content
    yield from ((NAME, handle) for handle in _HANDLE.findall(body))
    for match in _CAPITALISED.finditer(body):
        text = match[0]
        if name_key(text) in NOT_NAMES:
            continue
        if " " in text or not _SENTENCE_END.search(body[max(0, match.start() - 8) : match.start()]):
            yield NAME, text


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if 0 < len(value) <= MAX_LENGTH else []
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str) and 0 < len(each) <= MAX_LENGTH]
    return []
