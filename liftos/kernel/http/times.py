"""Time fields of requests; `liftos.kernel.times` parses them."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from liftos.kernel.times import InvalidTime, read_end, read_time


def _field(read: Callable[[Any], datetime]) -> BeforeValidator:
    def validate(value: Any) -> Any:
        if value is None:
            return value  # the field's own type decides whether it may be null
        try:
            return read(value)
        except InvalidTime as error:
            raise PydanticCustomError("datetime_parsing", "Input {reason}", {"reason": str(error)}) from error

    return BeforeValidator(validate)


Moment = Annotated[datetime, _field(read_time)]
"""A time; a date stands for its start."""

EndMoment = Annotated[datetime, _field(read_end)]
"""The end of a period; a date stands for its last microsecond."""


def none_for_empty(value: Any) -> Any:
    """Return None for "", which forms send for empty fields."""
    return None if value == "" else value


def not_before(end: str, start: str) -> Any:
    """Return a validator that requires field `end` not to be before field `start`, which must be declared first."""

    def check(moment: datetime | None, info: ValidationInfo) -> datetime | None:
        first = info.data.get(start)
        if moment is not None and first is not None and moment < first:
            raise ValueError(f"{end} must not be before {start}")
        return moment

    return field_validator(end)(check)
