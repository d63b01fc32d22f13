"""Read the values of facts: numbers with units, dates, names, states. Pure; English."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Shape(StrEnum):
    """The kind of a value; only values of one kind replace each other."""

    NUMBER = "number"
    DATE = "date"
    NAME = "name"
    STATE = "state"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Value:
    """A value in a form that is equal for equal values.

    Attributes:
        shape: its kind.
        tokens: of the value, without its unit.
        unit: of a number, "" if it has none.
    """

    shape: Shape
    tokens: tuple[str, ...]
    unit: str = ""

    def replaces(self, other: "Value") -> bool:
        """Return whether this is another value of the same kind, and not the same more or less precisely."""
        if self.shape is not other.shape or self.tokens == other.tokens:
            return False
        if self.shape is Shape.NUMBER:
            return self.unit == other.unit or not (self.unit and other.unit)
        mine, theirs = set(self.tokens), set(other.tokens)
        return not (mine <= theirs or theirs <= mine)


_MONTHS = [
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
]
_DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_DATE_WORDS = (
    {name[:3]: name for name in _MONTHS} | {"sept": "september"} | {name: name for name in (*_MONTHS, *_DAYS)}
)
_DATE_WORDS |= {name[:3]: name for name in _DAYS} | {
    each: each for each in ("spring", "summer", "autumn", "fall", "winter", "q1", "q2", "q3", "q4")
}
_DATE_FILLERS = frozenset(
    [
        "the",
        "of",
        "on",
        "at",
        "in",
        "by",
        "next",
        "this",
        "early",
        "mid",
        "late",
        "end",
        "beginning",
        "start",
        "noon",
        "midnight",
        "am",
        "pm",
        "morning",
        "evening",
        "week",
        "month",
        "year",
        "quarter",
        "o'clock",
        "before",
    ]
)
_ISO = re.compile(r"^\d{4}-\d{2}-\d{2}$|^\d{1,2}[./]\d{1,2}[./]\d{2,4}$")
_TIME = re.compile(r"^\d{1,2}[:.]\d{2}$|^\d{1,2}(?:am|pm)$")
_ORDINAL = re.compile(r"^(\d{1,2})(?:st|nd|rd|th)$")
_NUMBER = re.compile(r"^([-+]?\d+(?:\.\d+)?)(k|m|bn|%|[a-z]{1,3})?$")
_SIGNS = {"€": " eur ", "$": " usd ", "£": " gbp ", "%": " percent ", "¥": " jpy "}
_UNITS = {
    "euro": "eur", "euros": "eur", "eur": "eur", "dollar": "usd", "dollars": "usd", "usd": "usd", "bucks": "usd", "pound": "gbp", "pounds": "gbp", "gbp": "gbp",
    "percent": "percent", "pct": "percent", "days": "day", "weeks": "week", "months": "month", "years": "year", "hours": "hour", "minutes": "minute",
    "people": "person", "persons": "person", "employees": "person", "staff": "person", "seats": "seat", "members": "member", "users": "user", "rooms": "room",
    "units": "unit", "pieces": "unit", "items": "unit", "each": "", "apiece": "", "per": "per", "a": "per",
}  # fmt: skip
_NUMBER_WORDS = {
    word: str(number)
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90", "hundred": "100"}  # fmt: skip
_MORE = {"k": 1e3, "m": 1e6, "bn": 1e9, "thousand": 1e3, "million": 1e6, "billion": 1e9}
_ABOUT = frozenset(
    [
        "about",
        "around",
        "roughly",
        "approximately",
        "just",
        "only",
        "exactly",
        "some",
        "over",
        "under",
        "nearly",
        "almost",
        "now",
        "currently",
        "a",
        "total",
        "of",
    ]
)
STATES = {
    each: each.split("/")[0]
    for each in (
        "active", "inactive", "paused", "open", "closed", "live", "offline", "online", "in stock", "out of stock", "sold out", "available",
        "unavailable", "approved", "rejected", "pending", "in progress", "in review", "under review", "done", "completed", "complete", "finished",
        "cancelled", "canceled", "delayed", "on track", "at risk", "blocked", "signed", "unsigned", "expired", "enabled", "disabled", "discontinued",
        "archived", "shipped", "delivered", "paid", "unpaid", "overdue", "on hold", "suspended", "running", "stopped", "published", "draft",
        "a draft", "in draft", "ready", "not ready", "occupied", "vacant", "free", "back in stock", "under construction", "under maintenance", "down", "up",
        "resolved", "unresolved", "solved", "won", "lost", "green", "amber", "yellow", "red", "fully booked", "booked out", "backordered", "in production",
        "in testing", "in beta", "deprecated", "retired", "up and running", "out of service", "out of order", "working", "broken", "operational",
    )
}  # fmt: skip
_SAME_STATES = {
    "canceled": "cancelled", "complete": "done", "completed": "done", "finished": "done", "back in stock": "in stock", "booked out": "fully booked", "sold out": "out of stock",
    "backordered": "out of stock", "under review": "in review", "a draft": "draft", "in draft": "draft", "solved": "resolved", "up and running": "running",
    "operational": "running", "working": "running", "up": "running", "out of service": "down", "out of order": "down", "broken": "down", "suspended": "paused", "on hold": "paused",
}  # fmt: skip
_NAME = re.compile(
    r"^(?:(?:Mr|Mrs|Ms|Dr|Prof)\.? )?[^\W\d_a-z][\w'&.-]*(?: (?:(?:de|da|di|del|van|von|der|den|al|el|of|and sons) )?[^\W\d_a-z][\w'&.-]*){0,4}$"
)
_CODE = re.compile(r"^(?=.*\d)[\w+().:/-]+(?: [\d+().-]+){0,4}$")
_MANY = re.compile(r",|;| and | or | & |/")


def state_of(text: str) -> Value | None:
    """Return a state by its name, None for any other text."""
    folded = " ".join(text.lower().split())
    if folded not in STATES:
        return None
    return Value(Shape.STATE, (_SAME_STATES.get(folded, folded),))


def date_of(text: str) -> Value | None:
    """Return a date, also an incomplete one, None for any other text."""
    words = text.lower().replace(",", " ").split()
    found: list[str] = []
    is_date = False
    for word in words:
        word = word.strip(".()")
        ordinal = _ORDINAL.match(word)
        if _ISO.match(word) or _TIME.match(word) or word in _DATE_WORDS:
            found.append(_DATE_WORDS.get(word, word))
            is_date = True
        elif ordinal:
            found.append(ordinal[1])
            is_date = is_date or len(words) <= 3
        elif word.isdigit() and (len(word) <= 2 or (len(word) == 4 and word[:2] in ("19", "20"))):
            found.append(word.lstrip("0"))
            is_date = is_date or (len(words) == 1 and len(word) == 4)
        elif word not in _DATE_FILLERS:
            return None
    return Value(Shape.DATE, tuple(sorted(found))) if is_date and found else None


def number_of(text: str) -> Value | None:
    """Return a number with its unit, None for any other text."""
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    text = re.sub(r"(?<=\d)[,' ](?=\d{3}(?!\d))", "", text.lower())
    amount: float | None = None
    unit: list[str] = []
    for raw in text.replace("/", " per ").split():
        word = raw.strip(".,()!")
        found = _NUMBER.match(word)
        if word in _NUMBER_WORDS and amount is None:
            amount = float(_NUMBER_WORDS[word])
        elif found and amount is None:
            amount = float(found[1]) * _MORE.get(found[2] or "", 1)
            if found[2] and found[2] not in _MORE:
                unit.append(_UNITS.get(found[2], found[2]))
        elif word in _MORE and amount is not None:
            amount *= _MORE[word]
        elif found or not word.isalpha():
            return None
        elif word in _ABOUT and amount is None:
            continue
        elif _UNITS.get(word, word):
            unit.append(_UNITS.get(word, word))
    if amount is None or len(unit) > 4:
        return None
    return Value(Shape.NUMBER, (f"{amount:g}",), " ".join(sorted(unit)))


def name_of(text: str) -> Value | None:
    """Return a capitalised name, None for any other text or for several."""
    text = text.strip(" .")
    if _MANY.search(text) or not _NAME.match(text):
        return None
    return Value(
        Shape.NAME,
        tuple(
            word.strip(".,").lower()
            for word in text.split()
            if word.lower().rstrip(".") not in {"mr", "mrs", "ms", "dr", "prof"}
        ),
    )


def value_of(text: str) -> Value | None:
    """Return the value that a text is, None if it is none or several."""
    text = text.strip(" .!\"'")
    if not text or len(text) > 80:
        return None
    return date_of(text) or state_of(text) or number_of(text) or name_of(text) or _plain(text)


def _plain(text: str) -> Value | None:
    words = text.lower().split()
    if len(words) <= 3 and (_CODE.match(text) or "@" in text):
        return Value(Shape.TEXT, tuple(words))
    if _MANY.search(text) or len(words) > 3 or words[0] in _NO_VALUE or not words[0][0].isalpha():
        return None
    return Value(Shape.TEXT, tuple(words))


_NO_VALUE = frozenset(
    [
        "a",
        "an",
        "the",
        "not",
        "no",
        "never",
        "very",
        "too",
        "so",
        "one",
        "still",
        "also",
        "that",
        "because",
        "to",
        "in",
        "on",
        "at",
        "for",
        "with",
        "about",
        "being",
        "going",
        "what",
        "how",
        "why",
        "when",
        "where",
        "quite",
        "really",
        "more",
        "less",
        "most",
        "least",
    ]
)
