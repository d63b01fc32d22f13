"""Lists of memories as callers ask for them, in a body or in the query string alike."""

from typing import Literal

from pydantic import Field, model_validator

from liftos.kernel.http.pagination import MAX_PAGE
from memory.search.narrowing_inputs import NarrowIn

OrderName = Literal[
    "recorded_at", "-recorded_at", "changed_at", "-changed_at", "happened_at", "-happened_at", "valid_from", "-valid_from",
    "valid_to", "-valid_to", "expires_at", "-expires_at", "importance", "-importance",
]  # fmt: skip


class ListIn(NarrowIn):
    """A list of memories. `order` is a field, with `-` before it if descending; without it, the newest come first."""

    order: OrderName | None = None
    limit: int = Field(default=50, ge=1, le=MAX_PAGE)
    cursor: str = Field(default="", max_length=1_000)
    total: bool = False

    @model_validator(mode="after")
    def check_order(self) -> "ListIn":
        """Refuse an order of times that a list as of an earlier time does not have."""
        if self.order and self.known_at is not None:
            raise ValueError("order and known_at can't be combined")
        return self
