"""Recognise memories that say the same in nearly the same words, from their embeddings and words. Pure.

Embeddings alone hardly show figures, names, negations and opposites, so these must be equal; the other words must overlap.
"""

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from memory.analysis.stems import stems
from memory.analysis.stopwords import FUNCTION_WORDS
from memory.search.near_doubles import copy_of

NEAREST = 0.85
"""The least cosine of candidates."""
# with words of its own on either side, a text may be about something else
_OTHER_WORDS, _OTHER_SHARE = 0.965, 0.5
# the same words in another order may be about something else
_OTHER_ORDER, _ORDERED = 0.995, 0.75
# the least cosine and share of common words, if one text only adds words to the other
_RULES = ((0.97, 0.5), (0.90, 0.7), (0.85, 0.85))
_WORD = re.compile(r"[^\W_]+(?:[.,:'-][^\W_]+)*")
# words that both texts must have, or neither
_TELLING = frozenset(
    [
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
        "twenty",
        "thirty",
        "forty",
        "fifty",
        "hundred",
        "thousand",
        "million",
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "last",
        "half",
        "double",
        "twice",
        "once",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
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
        "spring",
        "summer",
        "autumn",
        "winter",
        "morning",
        "evening",
        "noon",
        "afternoon",
        "night",
        "tomorrow",
        "yesterday",
        "red",
        "blue",
        "green",
        "yellow",
        "black",
        "white",
        "brown",
        "grey",
        "gray",
        "orange",
        "purple",
        "pink",
        "none",
        "every",
        "mother",
        "father",
        "brother",
        "sister",
        "son",
        "daughter",
        "north",
        "south",
        "east",
        "west",
    ]
)
# of which texts with one and the other say the opposite
_OPPOSITES = tuple(
    tuple(pair.split("/"))
    for pair in [
        "before/after",
        "more/less",
        "more/fewer",
        "most/least",
        "up/down",
        "rise/fall",
        "increase/decrease",
        "grow/shrink",
        "high/low",
        "higher/lower",
        "above/below",
        "over/under",
        "win/lose",
        "open/close",
        "start/stop",
        "begin/end",
        "on/off",
        "in/out",
        "left/right",
        "good/bad",
        "better/worse",
        "best/worst",
        "like/dislike",
        "love/hate",
        "buy/sell",
        "accept/reject",
        "approve/reject",
        "early/late",
        "earlier/later",
        "fast/slow",
        "faster/slower",
        "hot/cold",
        "warm/cool",
        "old/new",
        "young/old",
        "big/small",
        "large/small",
        "long/short",
        "cheap/expensive",
        "true/false",
        "yes/no",
        "enable/disable",
        "active/inactive",
        "online/offline",
        "add/remove",
        "min/max",
        "minimum/maximum",
        "import/export",
        "internal/external",
        "public/private",
        "his/her",
        "he/she",
        "male/female",
        "man/woman",
        "men/women",
        "always/sometimes",
        "often/rarely",
        "all/some",
        "with/without",
        "gain/lose",
        "profit/loss",
        "to/from",
        "arrive/leave",
        "pass/fail",
        "allow/forbid",
        "include/exclude",
        "upgrade/downgrade",
        "hire/fire",
        "borrow/lend",
        "morning/evening",
        "today/tomorrow",
        "today/yesterday",
        "left/arrived",
        "better/worse",
        "can/cannot",
        "may/must",
        "optional/required",
        "easy/difficult",
        "success/failure",
    ]
)
_SAME = {
    "sold": "sell", "bought": "buy", "won": "win", "lost": "lose", "losing": "lose", "loses": "lose", "rose": "rise", "rises": "rise", "rising": "rise", "fell": "fall", "falls": "fall",
    "falling": "fall", "began": "begin", "grew": "grow", "grown": "grow", "shrank": "shrink", "closed": "close", "closes": "close", "opened": "open", "opens": "open",
    "increased": "increase", "increases": "increase", "increasing": "increase", "decreased": "decrease", "decreases": "decrease", "decreasing": "decrease", "stopped": "stop", "stops": "stop",
    "started": "start", "starts": "start", "ended": "end", "ends": "end", "likes": "like", "liked": "like", "dislikes": "dislike", "disliked": "dislike", "loves": "love", "loved": "love",
    "hates": "hate", "hated": "hate", "sells": "sell", "selling": "sell", "buys": "buy", "buying": "buy", "accepted": "accept", "accepts": "accept", "rejected": "reject", "rejects": "reject",
    "approved": "approve", "approves": "approve", "enabled": "enable", "disabled": "disable", "added": "add", "removed": "remove", "passed": "pass", "failed": "fail", "passes": "pass",
    "fails": "fail", "hired": "hire", "fired": "fire", "gained": "gain", "gains": "gain", "wins": "win", "winning": "win", "arrived": "arrive", "arrives": "arrive", "leaves": "leave",
    "included": "include", "includes": "include", "excluded": "exclude", "excludes": "exclude", "allowed": "allow", "allows": "allow", "forbidden": "forbid",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text that are compared.

    Attributes:
        content: stems of its words but function words, in order.
        telling: figures, negations, names of days and the like, sorted.
        names: words with a capital, in order, in lower case.
        all: its words in lower case, opposites in their plain form.
    """

    content: tuple[str, ...]
    telling: tuple[str, ...]
    names: tuple[str, ...]
    all: frozenset[str]


def words_of(text: str) -> Words:
    """Return the words of a text that are compared."""
    text = text.replace("\u2019", "'")
    found = [word.removesuffix("'s") for word in _WORD.findall(text)]
    words = [word.lower() for word in found]
    content = [_SAME.get(word, word) for word in words if word not in FUNCTION_WORDS]
    telling = [*copy_of(text, None, len(text)).telling, *(word for word in words if word in _TELLING)]
    names = tuple(word.lower() for word in found if word[0].isupper() and word.lower() not in FUNCTION_WORDS)
    return Words(
        tuple(stems(content, "en")),
        tuple(sorted(set(telling))),
        names,
        frozenset(words) | frozenset(_SAME[word] for word in words if word in _SAME),
    )


def confidence_of_double(one: Words, other: Words, cosine: float) -> float | None:
    """Return how sure it is that two texts say the same, 0..1; None if they don't.

    Args:
        one: the words of a text.
        other: those of the other.
        cosine: of their embeddings.
    """
    mine, theirs = set(one.content), set(other.content)
    if (
        not mine | theirs
        or one.telling != other.telling
        or not _same_names(one, other)
        or _opposite(one, other)
    ):
        return None
    share = len(mine & theirs) / len(mine | theirs)
    if mine - theirs and theirs - mine:
        says_same = cosine >= _OTHER_WORDS and share >= _OTHER_SHARE
    elif (
        cosine < _OTHER_ORDER
        and SequenceMatcher(None, one.content, other.content, autojunk=False).ratio() < _ORDERED
    ):
        says_same = False
    else:
        says_same = any(cosine >= near and share >= common for near, common in _RULES)
    return round(min(0.99, 0.5 * cosine + 0.25 + 0.25 * share), 4) if says_same else None


def _opposite(one: Words, other: Words) -> bool:
    return any(
        (a in one.all and a not in other.all and b in other.all and b not in one.all)
        or (b in one.all and b not in other.all and a in other.all and a not in one.all)
        for a, b in _OPPOSITES
    )


def _same_names(one: Words, other: Words) -> bool:
    """Return whether each has the other's names, in the same order: "Ann reports to Bob"; a text's first word counts if the other lacks it."""
    mine, theirs = set(one.names), set(other.names)
    if mine - other.all and theirs - one.all:
        return False
    if {name for name in one.names[1:] if name not in other.all} or {
        name for name in other.names[1:] if name not in one.all
    }:
        return False
    common = mine & theirs
    return [name for name in one.names if name in common] == [name for name in other.names if name in common]
