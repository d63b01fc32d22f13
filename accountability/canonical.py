"""Canonical JSON (RFC 8785, the JSON Canonicalization Scheme): one text, and so one hash, for one value.

The rfc8785 package is the reference. It is pure Python and takes 100 us per typical record, twice for each; so values that
Python's C encoder writes identically use that encoder, and only the rest use the package. A hypothesis test compares the two.
"""

import json
from collections.abc import Callable
from typing import Any

import rfc8785

EXACT = 2**53
"""From here on not every integer has an exact IEEE double, the only number type of canonical JSON."""
# Between these ECMAScript and Python write fractions with the same shortest digits; outside, exponents differ.
SAME_FROM, SAME_TO = 1e-4, 1e16

encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode
quote: Callable[[str], str] = json.encoder.encode_basestring
"""Write text as a JSON string, with only the escapes that RFC 8785 has."""


class Unlike(Exception):
    """Python's encoder would write this value differently."""


def canonicalise(value: Any) -> bytes:
    """Return the RFC 8785 form of a JSON value.

    Keys are sorted by UTF-16 code units, numbers written as ECMAScript writes them, text left as UTF-8 with only the
    escapes JSON demands. Convert times and ids to text first.

    Args:
        value: None, bool, int, float, str, and lists, tuples and dicts (with str keys) of these.

    Returns:
        UTF-8 bytes without insignificant whitespace.

    Raises:
        ValueError: NaN or an infinity; an int beyond ±(2**53 - 1), which JSON readers round; text with a lone
            surrogate; a value of another type; nesting deeper than the interpreter's recursion limit.

    Source: RFC 8785 section 3.2; `accountability/ledger/verifier.py` has its own implementation, and tests compare the three.
    """
    try:
        return encode(_same(value)).encode()
    except (Unlike, RecursionError, UnicodeEncodeError):
        return _by_reference(value)


def same_number(value: float) -> float:
    """Return an equal number that Python's encoder writes as RFC 8785 demands.

    Raises:
        Unlike: there is none.
    """
    if SAME_FROM <= abs(value) < SAME_TO and not value.is_integer():
        return value
    if value.is_integer() and -EXACT < value < EXACT:
        return int(value)
    raise Unlike


def _by_reference(value: Any) -> bytes:
    try:
        return rfc8785.dumps(value)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    except UnicodeEncodeError as error:
        raise ValueError("the text contains a lone surrogate") from error


def _same(value: Any) -> Any:
    """Return an equal value that Python's encoder writes as RFC 8785 demands.

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
            # RFC 8785 sorts keys by UTF-16 code units, Python by code points: the same for ASCII
            if type(key) is not str or not key.isascii():
                raise Unlike
        # most values are text: spare them a call
        return {key: each if type(each) is str else _same(each) for key, each in value.items()}
    if kind is list or kind is tuple:
        return [each if type(each) is str else _same(each) for each in value]
    raise Unlike
