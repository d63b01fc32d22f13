"""Entities: who and what a memory is about, recognised by rule, and the names in a question. Pure.

Three sources, strongest first; a name that several of them give counts as the strongest:

- `actor`: who said or did it: metadata such as `speaker` or `author`, or a content that begins "Name: …";
- a metadata key that names a thing, such as `campaign`, `product` or `channel`: its values;
- `name`: capitalised words inside a sentence, two and more of them also at its start; `@handle` and `#topic`.

A question's names are its runs of one to four words. Which of them are entities, the organisation's own index knows,
so that "did nordlicht pay off" finds the campaign "Nordlicht" without any capital letter.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

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
MAX_NAMES = 64  # of one memory
MAX_QUESTION_WORDS = 40
# capitalised in English, and nobody's name
NOT_NAMES = frozenset(
    [
        "i",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ]
) | {"i'm", "i've", "i'll", "i'd"}
LONGEST = 4  # words of a name in a question

_PREFIX = re.compile(r"\s*([^\W\d_][\w.'\u2019-]*(?: [^\W\d_][\w.'\u2019-]*){0,3}): ")
_CAPITALISED = re.compile(
    r"(?<![\w@#])[A-ZÀ-ÖØ-Þ][\w&'\u2019-]*(?: (?:of |de |von |van )?[A-ZÀ-ÖØ-Þ][\w&'\u2019-]*)*"
)
_HANDLE = re.compile(r"(?<!\w)[@#]([^\W_][\w-]{1,60})")
_SENTENCE_END = re.compile(r"(?:^|[.!?:\n]['\")\]]?)\s*$")
_WORD = re.compile(r"[^\W_][\w&'\u2019-]*")
_POSSESSIVE = re.compile(r"['\u2019]s?$")


def name_key(text: str) -> str:
    """Return the form in which a name is indexed: NFKC, lower case, single spaces, no possessive ending."""
    folded = " ".join(unicodedata.normalize("NFKC", text).lower().replace("_", " ").split())
    return _POSSESSIVE.sub("", folded)[:MAX_LENGTH]


def entities_of(content: str, metadata: Mapping[str, Any]) -> dict[str, str]:
    """Return a memory's entities: key to kind, at most 64."""
    found: dict[str, str] = {}
    for kind, text in _entities(content, metadata):
        key = name_key(text)
        if key:
            found.setdefault(key, kind)
        if len(found) == MAX_NAMES:
            break
    return found


def names_in(question: str) -> list[str]:
    """Return the runs of one to four words in a question, as keys, each once."""
    words = [name_key(word) for word in _WORD.findall(question)[:MAX_QUESTION_WORDS]]
    runs = (
        " ".join(words[start : start + length])
        for length in range(1, LONGEST + 1)
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
