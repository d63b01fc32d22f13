"""`/api/v1/values`: values in use with counts, also as a tree of prefixes."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.parsing import InvalidRequest, check_storable, item
from liftos.kernel.http.views import NativeView
from liftos.kernel.suggestions import suggestion
from liftos.kernel.tenancy.types import Scope
from memory.analysis.attributes import MAX_KEY
from memory.api.memories import StatesQuery
from memory.values.queries import FIELDS, METADATA, list_tree, list_values
from memory.values.types import Place, Used, ValueOrder

MAX_VALUES = 1_000
MAX_DEPTH = 5


def _field(name: str) -> str:
    if name in FIELDS or (name.startswith(METADATA) and 0 < len(name) - len(METADATA) <= MAX_KEY):
        return name
    known = [*FIELDS, f"{METADATA}KEY"]
    raise PydanticCustomError(
        "value_field", "must be {known}{hint}", {"known": ", ".join(known), "hint": suggestion(name, FIELDS)}
    )


class ValuesQuery(StatesQuery):
    """A field, and which of its values."""

    field: Annotated[QueryText, AfterValidator(_field)]
    prefix: Annotated[QueryText, Field(max_length=300)] = ""
    order: ValueOrder = ValueOrder.COUNT
    tree: bool = False
    depth: int = Field(default=1, ge=1, le=MAX_DEPTH)
    limit: int = Field(default=100, ge=1, le=MAX_VALUES)
    cursor: QueryText = ""


class ValueOut(BaseModel):
    """A value and the number of memories that have it.

    In a tree, the number of those with a value that begins with it; `branch` says whether there are longer ones, and with `depth` above 1
    `children` has them.
    """

    value: Any
    count: int
    branch: bool | None = None
    children: list["ValueOut"] | None = None


class ValuePage(BaseModel):
    """A page of values; `truncated`, of a tree, says whether lower nodes were left out."""

    results: list[ValueOut]
    next: str | None
    truncated: bool | None = None


class Values(NativeView):
    """Values in use."""

    scopes = {"GET": Scope.MEMORY_READ}
    costly = True

    @described("values_list", query=ValuesQuery, responses={200: ValuePage})
    def get(self, request: Request) -> Response:
        """List the values of a field with the number of memories, as a list or as a tree of prefixes."""
        query = self.query(ValuesQuery)
        asked: dict[str, Any] = {
            "organisation": self.organisation,
            "field": query.field,
            "narrowed": query.narrowed(),
            "prefix": query.prefix,
            "order": query.order,
            "limit": query.limit + 1,
            "after": _place_in(query.cursor),
        }
        with tenant_transaction(self.organisation):
            if query.tree:
                found, is_truncated = list_tree(**asked, depth=query.depth)
                more = {"truncated": is_truncated}
            else:
                found, more = list_values(**asked), {}
        shown = found[: query.limit]
        depth = query.depth if query.tree else 0
        body: dict[str, Any] = {"results": [_render(each, depth) for each in shown], "next": None} | more
        if len(found) > query.limit:
            again = request._request.GET.dict() | {"cursor": _cursor(shown)}
            body["next"] = request._request.build_absolute_uri(f"{request.path}?{urlencode(again)}")
        return Response(body)


def _render(used: Used, depth: int) -> dict[str, Any]:
    body = {"value": used.value, "count": used.count}
    if depth:
        body["branch"] = used.is_branch
    if depth > 1:
        body["children"] = [_render(each, depth - 1) for each in used.children]
    return body


def _cursor(shown: Sequence[Used]) -> str:
    last = json.dumps([shown[-1].count, shown[-1].key])
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def _place_in(cursor: str) -> Place | None:
    if not cursor:
        return None
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        place = None
    is_ours = (
        isinstance(place, list) and [type(each) for each in place] == [int, str] and 0 <= place[0] < 2**63
    )
    if not is_ours:
        raise InvalidRequest([item("cursor", ("query", "cursor"), "Not a cursor of this list", cursor[:100])])
    check_storable(place, loc=("query", "cursor"))
    return Place(*place)
