"""Functions of the steps in `bench workflows`; its workers load them (`celery worker -I`)."""

import time

from liftos.kernel.functions import register


@register("bench.nothing")
def nothing() -> int:
    """Do nothing."""
    return 1


@register("bench.sleep", outside=True)
def sleep(ms: float) -> float:
    """Sleep, like a call to a slow service."""
    time.sleep(ms / 1e3)
    return ms
