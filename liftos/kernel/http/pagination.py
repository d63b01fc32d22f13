"""Lists are `{"results": [...], "next": url or null}`; the cursor is the last id, opaque to the caller."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from pydantic import AfterValidator, BaseModel, Field

from liftos.kernel.http.dump import dump_json
from liftos.kernel.http.parsing import InvalidRequest, item

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
    """Return the list answer: a page ends at its limit, or sooner where its rows have no room in an answer, but not before the first.

    Args:
        request: for the URL of the next page.
        rows: what was read, one more than `limit` if there is a next page; each has an `id`.
        limit: the page's size.
        results: the rendered rows.
    """
    following = None
    shown = max(1, min(limit, _fitting(results)))
    if len(rows) > shown:
        query = request.GET.dict() | {"cursor": encode_cursor(rows[shown - 1].id), "limit": str(limit)}
        following = request.build_absolute_uri(f"{request.path}?{urlencode(query)}")
    return {"results": results[:shown], "next": following}


def _fitting(results: list[dict[str, Any]]) -> int:
    """Return how many of some rows have room in an answer."""
    room = settings.LIFTOS_MAX_ANSWER_BYTES // 2
    for number, result in enumerate(results):
        room -= len(dump_json(result))
        if room < 0:
            return number
    return len(results)
