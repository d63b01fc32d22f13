"""Functions for tests/faults/test_workflows.py, loaded by the workers of those tests (`celery worker -I`).

Each effect is an event in the outbox, written in the transaction that ends its step: counting events counts effects. What a
function did that did not commit is counted by nobody, and that is the point. `FAULT_VERSION` plays a new version of the code.
"""

import os
import time

from liftos.kernel.functions import Call, register
from liftos.kernel.outbox.operations import emit

VERSION = int(os.environ.get("FAULT_VERSION", "1"))


def effect(call: Call, ms: int = 0) -> str:
    """Write one event, then sleep before the transaction ends."""
    emit(organisation=call.organisation, type="fault.effect", subject=call.key, data={"version": VERSION})
    if "FAULT_BEGUN_FD" in os.environ:
        os.write(int(os.environ["FAULT_BEGUN_FD"]), b"1")
    time.sleep(ms / 1e3)
    return call.key


for _version in range(1, VERSION + 1):
    register("fault.effect", version=_version)(effect)


@register("fault.outside", outside=True)
def outside(call: Call, path: str, ms: int = 0) -> str:
    """Append the call's key to a file, outside any transaction."""
    time.sleep(ms / 1e3)
    with open(path, "a") as file:  # noqa: PTH123
        file.write(f"{call.key}\n")
    return call.key


@register("fault.sleep", outside=True)
def sleep(ms: int) -> int:
    """Sleep."""
    time.sleep(ms / 1e3)
    return ms
