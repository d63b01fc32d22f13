"""Pagination: lists are `{"results": [...], "next": url or null}`; the cursor is the last id, opaque to callers."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from pydantic import AfterValidator, BaseModel, Field, create_model

from liftos.kernel.http.dump import dump_json
from liftos.kernel.http.parsing import InvalidRequest, item

MAX_PAGE = 200


def encode_cursor(last: UUID) -> str:
    """Return the cursor that continues after an id."""
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def decode_cursor(cursor: str) -> UUID:
    """Return the id in a cursor.

    Raises:
        InvalidRequest: invalid cursor.
    """
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest(
            [item("cursor", ("query", "cursor"), "Not a cursor of this list", cursor[:100])]
        ) from error


def no_nul(text: str) -> str:
    """Reject NUL, which Postgres can't store in text."""
    if "\x00" in text:
        raise ValueError("must not contain a NUL character")
    return text


QueryText = Annotated[str, AfterValidator(no_nul)]


class PageQuery(BaseModel):
    """The query parameters of every list."""

    limit: int = Field(default=50, ge=1, le=MAX_PAGE)
    cursor: QueryText = ""

    @property
    def before(self) -> UUID | None:
        """The id to continue after."""
        return decode_cursor(self.cursor) if self.cursor else None


def page_of(shape: type[BaseModel], name: str = "", *, is_only: bool = False) -> type[BaseModel]:
    """Return the shape of a page of a list, called `name`; by default `ThingPage` for a shape `ThingOut`.

    Args:
        shape: of the results.
        name: in the OpenAPI document.
        is_only: whether the list has only one page, so that `next` is null.
    """
    return create_model(
        name or f"{shape.__name__.removesuffix('Out')}Page",
        __doc__="A page of a list; `next` is the URL of the next page, null after the last.",
        results=(list[shape], ...),  # type: ignore[valid-type]
        next=(None if is_only else str | None, ...),
    )


def page(
    request: HttpRequest, rows: Sequence[Any], limit: int, results: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return a page: at most `limit` rows, fewer if they exceed the maximum response size, but at least one.

    Args:
        request: for the URL of the next page.
        rows: the rows, one more than `limit` if there is a next page; each has an `id`.
        limit: rows per page.
        results: the rendered rows.
    """
    following = None
    shown = max(1, min(limit, fitting(results)))
    if len(rows) > shown:
        query = request.GET.dict() | {"cursor": encode_cursor(rows[shown - 1].id), "limit": str(limit)}
        following = request.build_absolute_uri(f"{request.path}?{urlencode(query)}")
    return {"results": results[:shown], "next": following}


def fitting(results: list[dict[str, Any]]) -> int:
    """Return how many results fit in a response."""
    room = settings.LIFTOS_MAX_ANSWER_BYTES // 2
    for number, result in enumerate(results):
        room -= len(dump_json(result))
        if room < 0:
            return number
    return len(results)
