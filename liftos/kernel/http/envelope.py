"""Wire shapes shared by several apps."""

from typing import Any

from pydantic import BaseModel


class Envelope(BaseModel):
    """The envelope of successful responses on compat routes."""

    success: bool
    message: str
    data: Any
    errors: list[str] | None
    metadata: dict[str, Any] | None
