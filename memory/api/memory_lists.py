"""`GET /api/v1/memories` and `POST /api/v1/memories/query`: list memories, narrowed and in any order."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, QueryText, fitting
from liftos.kernel.http.parsing import parse_json, validate
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.memories import MemoryOut, StatesText, render
from memory.listing.inputs import ListIn
from memory.listing.orders import Place, decode_place, encode_place, order_of
from memory.listing.queries import count_memories, find_page
from memory.models import Memory
from memory.search.filter_types import TIMES
from memory.search.filters import InvalidFilter, parse_filters

PARSED = ("filters", "tags", *TIMES)
"""Parameters that are JSON; tags may also be a comma-separated list, and a time the time itself."""


class MemoryPage(BaseModel):
    """A page of memories; `next` and `previous` are URLs, null at the end and the beginning. `total` is there if asked for."""

    results: list[MemoryOut]
    next: str | None
    previous: str | None
    total: int | None = None


class QueriedPage(BaseModel):
    """A page of memories; `next` and `previous` are cursors, null at the end and the beginning. `total` is there if asked for."""

    results: list[MemoryOut]
    next: str | None
    previous: str | None
    total: int | None = None


class ListQuery(PageQuery):
    """The list's conditions and order; `filters`, `tags` and times may be JSON, as in the body of a query."""

    memory_type: QueryText = ""
    source: QueryText = ""
    source_prefix: QueryText = ""
    external_id: QueryText = ""
    states: StatesText = Field(default="", description="comma-separated")
    as_of: QueryText = ""
    known_at: QueryText = ""
    filters: QueryText = ""
    tags: QueryText = Field(default="", description="comma-separated, all of them; or JSON")
    thread: QueryText = ""
    entity: QueryText = ""
    text: QueryText = ""
    recorded_at: QueryText = ""
    changed_at: QueryText = ""
    happened_at: QueryText = ""
    valid_from: QueryText = ""
    valid_to: QueryText = ""
    expires_at: QueryText = ""
    order: QueryText = ""
    total: bool = False

    def list_in(self) -> ListIn:
        """Return the list it asks for.

        Raises:
            InvalidRequest, InvalidFilter: an invalid parameter.
        """
        given: dict[str, Any] = {
            name: value for name in ListQuery.model_fields if (value := getattr(self, name)) != ""
        }
        for name in PARSED:
            if name in given:
                given[name] = _parsed(name, given[name])
        if "states" in given:
            given["states"] = list(dict.fromkeys(given["states"].split(",")))
        source = {"equals": given.pop("source", None), "prefix": given.pop("source_prefix", None)}
        if any(source.values()):
            given["source"] = {name: value for name, value in source.items() if value}
        asked = validate(ListIn, given, loc=("query",))
        try:
            parse_filters(asked.filters)
        except InvalidFilter as error:
            raise InvalidFilter(str(error), loc=("query", *error.loc)) from None
        return asked


def _parsed(name: str, text: str) -> Any:
    if text[0] in "{[" or text == "null" or name == "filters":
        return parse_json(text, loc=("query", name))
    return text.split(",") if name == "tags" else text


def read_page(
    organisation: UUID, asked: ListIn, *, loc: tuple[str, ...], linked: Callable[[str], str]
) -> dict[str, Any]:
    """Return a page as JSON-ready values.

    Args:
        organisation: the tenant.
        asked: the list.
        loc: of its cursor.
        linked: makes what the answer has of a neighbouring page's cursor.
    """
    order, narrowed = order_of(asked.order or ""), asked.narrowed()
    place = decode_place(asked.cursor, order, loc=loc)
    with tenant_transaction(organisation):
        found = find_page(
            organisation=organisation, narrowed=narrowed, limit=asked.limit, order=order, place=place
        )
        total = count_memories(organisation=organisation, narrowed=narrowed) if asked.total else None
        results = [render(row) for row in found]
    shown = max(1, min(asked.limit, fitting(results)))
    rows, results, has_more = found[:shown], results[:shown], len(found) > shown
    back = place is not None and place.back
    if back:
        rows, results = rows[::-1], results[::-1]

    def neighbour(row: Memory, *, backwards: bool) -> str:
        value = getattr(row, order.column) if order.column else None
        return linked(encode_place(order, Place(row.id, value, backwards)))

    page: dict[str, Any] = {
        "results": results,
        "next": neighbour(rows[-1], backwards=False) if rows and (back or has_more) else None,
        "previous": neighbour(rows[0], backwards=True)
        if rows and (has_more if back else place is not None)
        else None,
    }
    return page if total is None else page | {"total": total}


def _url_of(request: HttpRequest, limit: int, cursor: str) -> str:
    query = request.GET.dict() | {"cursor": cursor, "limit": str(limit)}
    return request.build_absolute_uri(f"{request.path}?{urlencode(query)}")


class MemoryList(NativeView):
    """The organisation's memories."""

    scopes = {"GET": Scope.MEMORY_READ}

    @described("memories_list", query=ListQuery, responses={200: MemoryPage})
    def get(self, request: Request) -> Response:
        """List memories, newest first unless `order` names a field. Everything that narrows must hold."""
        asked = self.query(ListQuery).list_in()
        page = read_page(
            self.organisation,
            asked,
            loc=("query", "cursor"),
            linked=lambda cursor: _url_of(request._request, asked.limit, cursor),
        )
        return Response(page)


class MemoryQuery(NativeView):
    """The organisation's memories, by a query in the body."""

    scopes = {"POST": Scope.MEMORY_READ}

    @described("memories_query", request=ListIn, responses={200: QueriedPage})
    def post(self, request: Request) -> Response:
        """List memories as `GET /api/v1/memories` does. `next` and `previous` are cursors; an empty body lists all."""
        del request
        if self.json is None:
            self.json = {}
        asked = self.body(ListIn)
        return Response(read_page(self.organisation, asked, loc=("body", "cursor"), linked=str))
