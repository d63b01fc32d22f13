"""Template faults as API validation errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.strict import UNKNOWN
from workflows.definition import Faulty


@contextmanager
def faults_as_items() -> Iterator[None]:
    """Turn Faulty into an API error with one item per fault.

    Raises:
        InvalidRequest: for Faulty; the location of a step's fault is below `steps` and the step's name.
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
