"""A template's faults as a caller's: an item for each."""

from collections.abc import Iterator
from contextlib import contextmanager

from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.strict import UNKNOWN
from workflows.definition import Faulty


@contextmanager
def faults_as_items() -> Iterator[None]:
    """Answer a faulty template, or faulty parameters, with an item for each fault.

    Raises:
        InvalidRequest: for Faulty; a step's faults lie below `steps`, its name.
    """
    try:
        yield
    except Faulty as error:
        items = []
        for fault in error.faults:
            place = (
                (fault.field,) if fault.unknown else tuple(part for part in fault.field.split(".") if part)
            )
            loc = ("body", "steps", fault.step, *place) if fault.step else ("body", *place)
            items.append(item(UNKNOWN if fault.unknown else error.code, loc, fault.message))
        raise InvalidRequest(items) from error
