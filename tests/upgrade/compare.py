"""Differences between today's answer and the recorded one."""

import re
from collections.abc import Iterator
from math import isclose
from typing import Any

TOLERANCE = 1e-4
# what fences a record in a prompt is another number every time
FENCE = re.compile(r"record-[0-9a-f]{16}")


def differences(before: Any, now: Any, at: str = "") -> Iterator[str]:
    """Yield what is missing or other than it was; a field that is new is no difference, because callers ignore it."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name, value in before.items():
            if name in now:
                yield from differences(value, now[name], f"{at}.{name}")
            else:
                yield f"{at}.{name}: {value!r} is missing"
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for place, (first, second) in enumerate(zip(before, now, strict=True)):
            yield from differences(first, second, f"{at}.{place}")
    elif not _same(before, now):
        yield f"{at}: {before!r} is now {now!r}"


def _same(before: Any, now: Any) -> bool:
    numbers = isinstance(before, int | float) and isinstance(now, int | float)
    if numbers and not isinstance(before, bool) and not isinstance(now, bool):
        return isclose(before, now, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    if isinstance(before, str) and isinstance(now, str):
        return FENCE.sub("", before) == FENCE.sub("", now)
    return type(before) is type(now) and before == now
