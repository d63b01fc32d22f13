"""What the steps of `bench workflows` call; its workers load it (`celery worker -I`)."""

import time

from liftos.kernel.functions import register


@register("bench.nothing")
def nothing() -> int:
    """Do nothing."""
    return 1


@register("bench.sleep", outside=True)
def sleep(ms: float) -> float:
    """Take some time, as a service that is asked does."""
    time.sleep(ms / 1e3)
    return ms
