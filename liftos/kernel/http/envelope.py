"""Wire shapes that several apps share."""

from typing import Any

from pydantic import BaseModel


class Envelope(BaseModel):
    """The old routes' envelope round every success."""

    success: bool
    message: str
    data: Any
    errors: list[str] | None
    metadata: dict[str, Any] | None
