"""Lists are `{"results": [...], "next": url or null}`; the cursor is the last id, opaque to the caller."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from pydantic import AfterValidator, BaseModel, Field

from liftos.api.parsing import InvalidRequest, item

MAX_PAGE = 200


def encode_cursor(last: UUID) -> str:
    """Return a cursor that stands for everything after an id."""
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def decode_cursor(cursor: str) -> UUID:
    """Return the id a cursor stands for.

    Raises:
        InvalidRequest: the text is not a cursor of ours.
    """
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(
            [item("cursor", ("query", "cursor"), "Not a cursor of this list", cursor[:100])]
        ) from error


def no_nul(text: str) -> str:
    """Refuse NUL in query strings: Postgres text can't hold it."""
    if "\x00" in text:
        raise ValueError("must not contain a NUL character")
    return text


QueryText = Annotated[str, AfterValidator(no_nul)]


class PageQuery(BaseModel):
    """The query parameters every list takes."""

    limit: int = Field(default=50, ge=1, le=MAX_PAGE)
    cursor: QueryText = ""

    @property
    def before(self) -> UUID | None:
        """The id to continue after."""
        return decode_cursor(self.cursor) if self.cursor else None


def page(
    request: HttpRequest, rows: Sequence[Any], limit: int, results: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the list answer.

    Args:
        request: for the URL of the next page.
        rows: what was read, one more than `limit` if there is a next page; each has an `id`.
        limit: the page's size.
        results: the rendered rows.
    """
    following = None
    if len(rows) > limit:
        query = request.GET.dict() | {"cursor": encode_cursor(rows[limit - 1].id), "limit": str(limit)}
        following = request.build_absolute_uri(f"{request.path}?{urlencode(query)}")
    return {"results": results[:limit], "next": following}
