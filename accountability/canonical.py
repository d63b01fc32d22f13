"""One JSON text for one value, so that equal records have equal hashes (RFC 8785, the JSON Canonicalization Scheme)."""

from typing import Any

import rfc8785


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

    Source: RFC 8785 section 3.2; `accountability/verifier.py` has its own implementation, and tests compare the two.
    """
    try:
        return rfc8785.dumps(value)
    except UnicodeEncodeError as error:
        raise ValueError("text must not hold a lone surrogate") from error
    except RecursionError as error:
        raise ValueError("the value is nested too deeply") from error
