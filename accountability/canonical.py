"""Canonical JSON (RFC 8785, the JSON Canonicalization Scheme): one text, and so one hash, for one value.

The package rfc8785 defines what is right here. It is written in Python and takes 100 us for a usual record, twice on the way
of each; so what Python's own C encoder writes in the same way goes through that, and only the rest through the
package. A test compares the two on whatever hypothesis thinks of.
"""

import json
from collections.abc import Callable
from typing import Any

import rfc8785

EXACT = 2**53
"""From here on not every integer is an IEEE double, which is all that canonical JSON has."""
# Between these, and not whole, ECMAScript and Python write the same shortest digits; outside, exponents differ.
SAME_FROM, SAME_TO = 1e-4, 1e16

encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
quote: Callable[[str], str] = json.encoder.encode_basestring
"""Text as a JSON string, with only the escapes that RFC 8785 has."""


class Unlike(Exception):
    """Python's encoder would write this value in another way."""


def canonicalise(value: Any) -> bytes:
    """Return the RFC 8785 form of a JSON value.

    Keys are sorted by UTF-16 code units, numbers written as ECMAScript writes them, text left as UTF-8 with only the
    escapes JSON demands. Convert times and ids to text first: their form is the record's affair.

    Args:
        value: None, bool, int, float, str, and lists, tuples and dicts (with str keys) of these.

    Returns:
        UTF-8 bytes without insignificant whitespace.

    Raises:
        ValueError: NaN or an infinity; an int beyond 2**53 - 1 either way, which JSON readers round; text with a lone
            surrogate; a value of another type; nesting deeper than the interpreter follows.

    Source: RFC 8785 section 3.2; `accountability/ledger/verifier.py` has its own implementation, and tests compare the three.
    """
    try:
        return encode(_same(value)).encode()
    except (Unlike, RecursionError, UnicodeEncodeError):
        return _by_the_book(value)


def same_number(value: float) -> float:
    """Return a number that Python's encoder writes as RFC 8785 asks.

    Raises:
        Unlike: there is none.
    """
    if SAME_FROM <= abs(value) < SAME_TO and not value.is_integer():
        return value
    if value.is_integer() and -EXACT < value < EXACT:
        return int(value)
    raise Unlike


def _by_the_book(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except UnicodeEncodeError as error:
        raise ValueError("a lone surrogate is not text") from error


def _same(value: Any) -> Any:
    """Return the value in a form that Python's encoder writes as RFC 8785 asks.

    Raises:
        Unlike: there is none.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is float:
        return same_number(value)
    if kind is int:
        if -EXACT < value < EXACT:
            return value
        raise Unlike
    if kind is dict:
        for key in value:
            # keys are sorted by UTF-16 code units there, by code points here: alike for ASCII
            if type(key) is not str or not key.isascii():
                raise Unlike
        # text, by far the most, is let through without a call
        return {key: each if type(each) is str else _same(each) for key, each in value.items()}
    if kind is list or kind is tuple:
        return [each if type(each) is str else _same(each) for each in value]
    raise Unlike
