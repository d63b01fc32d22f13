"""Times as fields of requests. What is read, and how, is `liftos.kernel.times`'s."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from liftos.kernel.times import InvalidTime, read_end, read_time


def _field(read: Callable[[Any], datetime]) -> BeforeValidator:
    def validate(value: Any) -> Any:
        if value is None:
            return value  # whether a field may be null is the field's to say
        try:
            return read(value)
        except InvalidTime as error:
            raise PydanticCustomError("datetime_parsing", "Input {reason}", {"reason": str(error)}) from error

    return BeforeValidator(validate)


Moment = Annotated[datetime, _field(read_time)]
"""A time; a date is its beginning."""

EndMoment = Annotated[datetime, _field(read_end)]
"""The end of a window; a date is its last microsecond."""


def none_for_empty(value: Any) -> Any:
    """Return None for an empty text: what a form sends for a field that nobody filled in."""
    return None if value == "" else value


def not_before(end: str, start: str) -> Any:
    """Return the validator of a model whose field `end` must not be before its field `start`, which stands above it."""

    def check(moment: datetime | None, info: ValidationInfo) -> datetime | None:
        first = info.data.get(start)
        if moment is not None and first is not None and moment < first:
            raise ValueError(f"{end} must not be before {start}")
        return moment

    return field_validator(end)(check)
