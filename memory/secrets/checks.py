"""Checks that tell secrets from what looks like them: checksums, lengths, placeholders, entropy."""

import base64
import binascii
import json
import math
import re
from collections import Counter
from re import Match

_SEPARATORS = re.compile(r"[ \u00a0\u202f-]")
# words before plain digits that name another kind of number
_NUMBERED = re.compile(
    r"(?:order|bestell\w*|auftrag\w*|invoice|rechnung\w*|tracking|track|shipment|parcel|sendung\w*|ticket|case|ref|reference|isbn|ean|"
    r"gtin|upc|imei|imsi|iccid|id|uuid|serial|sku|transaction|txn|phone|tel|fax|mobile|customer|kunden\w*|timestamp|account|konto\w*)"
    r"[\s_-]*(?:no|nr|num|number|nummer|id|code)?\W{0,4}$",
    re.IGNORECASE,
)
# issuers by first digits, and their numbers' lengths (ISO/IEC 7812)
_ISSUERS = (
    (re.compile(r"4"), {16, 19}),
    (re.compile(r"5[1-5]|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)"), {16}),
    (re.compile(r"3[47]"), {15}),
    (re.compile(r"6(?:011|4[4-9]|5)"), {16, 19}),
    (re.compile(r"3(?:0[0-5]|[689])"), {14}),
    (re.compile(r"35(?:2[89]|[3-8])"), {16}),
)
# lengths by country (SWIFT's IBAN registry)
_IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "BY": 28, "CH": 21,
    "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27,
    "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26,
    "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "LY": 25, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25,
    "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "ST": 25, "SV": 28, "TL": 23,
    "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
_PLACEHOLDER = re.compile(
    r"^(?:[<\[{$%]|(?:your|my|the|an?|some|test|example|sample|dummy|fake)[-_ ]|xxx|\*\*\*|\.\.\.|•)|\*{3}|\.{3}|x{6}|"
    r"[({]|^(?:os|process|env|settings|config|self|this|request|args|secrets|vault)\.|"
    r"^(?:none|null|nil|undefined|true|false|redacted|hidden|required|optional|string|password|passwort|secret|token|changeme)$",
    re.IGNORECASE,
)
_UUID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", re.IGNORECASE)
_MOST_BITS = 3.0
"""The least entropy of a random value, in bits for each character; words repeat characters more."""


def is_card(match: Match[str]) -> bool:
    """Return whether digits are a payment card's number: an issuer's prefix and length, and Luhn's checksum."""
    text = match["secret"]
    digits = _SEPARATORS.sub("", text)
    if len(set(digits)) < 2 or not any(
        prefix.match(digits) and len(digits) in lengths for prefix, lengths in _ISSUERS
    ):
        return False
    plain = digits == text
    if plain and _NUMBERED.search(match.string, max(0, match.start() - 40), match.start()):
        return False
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def is_iban(match: Match[str]) -> bool:
    """Return whether a text is an IBAN: its country's length, and ISO 7064's checksum."""
    plain = _SEPARATORS.sub("", match["secret"])
    if _IBAN_LENGTHS.get(plain[:2]) != len(plain):
        return False
    return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1


def is_jwt(match: Match[str]) -> bool:
    """Return whether a text is a JSON Web Token, whose header names its algorithm."""
    head = match["secret"].partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(header, dict) and "alg" in header


def is_basic(match: Match[str]) -> bool:
    """Return whether a text is a name and password in base64 (RFC 7617)."""
    try:
        return b":" in base64.b64decode(match["secret"] + "=" * (-len(match["secret"]) % 4), validate=True)
    except binascii.Error:
        return False


def is_no_placeholder(match: Match[str]) -> bool:
    """Return whether a value is meant: no template's variable and no asterisks."""
    return not _PLACEHOLDER.search(match["secret"])


def is_url_password(match: Match[str]) -> bool:
    """Return whether a URL's password is meant: templates have variables in its place."""
    secret = match["secret"]
    return not re.search(r"^[<\[{$%]|\*{3}|\.{3}|^x{3,}$", secret, re.IGNORECASE) or bool(
        re.match(r"%[0-9a-fA-F]{2}", secret)
    )


def is_password(match: Match[str]) -> bool:
    """Return whether a value given as a password looks like one: letters with digits or signs."""
    value = match["secret"].rstrip(".!?")
    if _PLACEHOLDER.search(value) or value.startswith(("http://", "https://", "/")):
        return False
    has_letter, has_digit = any(map(str.isalpha, value)), any(map(str.isdigit, value))
    has_sign = any(each in "!@#$%^&*+=~?§€" for each in value)
    return len(value) >= 6 and has_letter and (has_digit or has_sign) and not _UUID.match(value)


def is_random(match: Match[str]) -> bool:
    """Return whether a value given as a key or token is random: letters and digits, of high entropy."""
    value = match["secret"]
    if _PLACEHOLDER.search(value) or "://" in value:
        return False
    if not (any(map(str.isdigit, value)) and any(map(str.isalpha, value))):
        return False
    return entropy(value) >= _MOST_BITS


def has_digit_and_letter(match: Match[str]) -> bool:
    """Return whether a token has digits and letters; words with the prefix of a token have none."""
    value = match["secret"]
    return any(map(str.isdigit, value)) and sum(map(str.isalpha, value)) > 4 and entropy(value) >= _MOST_BITS


def entropy(text: str) -> float:
    """Return Shannon's entropy of a text's characters, in bits for each."""
    counts, length = Counter(text), len(text)
    return -sum(count / length * math.log2(count / length) for count in counts.values())
