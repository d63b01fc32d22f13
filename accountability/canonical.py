"""Canonical JSON (RFC 8785, the JSON Canonicalization Scheme): one text, and so one hash, for one value.

The package rfc8785 defines what is right here. It is written in Python and takes 100 us for a usual record, twice on the way
of each; so what Python's own C encoder writes in the same way goes through that, and only the rest through the
package. A test compares the two on whatever hypothesis thinks of.
"""

import json
from typing import Any

import rfc8785

_EXACT = 2**53
# Between these, and not whole, ECMAScript and Python write the same shortest digits; outside, exponents differ.
_SAME_FROM, _SAME_TO = 1e-4, 1e16

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


class _Unlike(Exception):
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

    Source: RFC 8785 section 3.2; `accountability/verifier.py` has its own implementation, and tests compare the three.
    """
    try:
        return _encode(_same(value)).encode()
    except (_Unlike, RecursionError, UnicodeEncodeError):
        return _by_the_book(value)


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
        _Unlike: there is none.
    """
    kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is int:
        if -_EXACT < value < _EXACT:
            return value
        raise _Unlike
    if kind is float:
        if value.is_integer() and -_EXACT < value < _EXACT:
            return int(value)
        if _SAME_FROM <= abs(value) < _SAME_TO and not value.is_integer():
            return value
        raise _Unlike
    if kind is dict:
        # keys are sorted by UTF-16 code units there, by code points here: alike for ASCII
        if not all(type(key) is str and key.isascii() for key in value):
            raise _Unlike
        return {key: _same(each) for key, each in value.items()}
    if kind is list or kind is tuple:
        return [_same(each) for each in value]
    raise _Unlike
