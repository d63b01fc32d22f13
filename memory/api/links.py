"""`/api/v1/memories/{memory}/links` and `/graph`: a memory's relations to others."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.utils import timezone
from pydantic import AfterValidator, BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, QueryText, page, page_of
from liftos.kernel.http.parsing import InvalidRequest, item, validate
from liftos.kernel.http.times import Moment
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.inputs import LinkIn, LinkTarget, kind_names
from memory.links import operations, queries
from memory.links.types import Direction, Link, LinkOutcome
from memory.types import LinkDraft

MAX_DEPTH = 5
MAX_NODES = 1_000

Kinds = Annotated[QueryText, AfterValidator(kind_names)]


class LinksQuery(PageQuery):
    """Filters of a memory's links."""

    direction: Direction = Direction.OUT
    kinds: Kinds = ""
    as_of: Moment | None = None


class GraphQuery(BaseModel):
    """Bounds and filters of a graph."""

    depth: int = Field(default=1, ge=1, le=MAX_DEPTH)
    limit: int = Field(default=100, ge=1, le=MAX_NODES)
    direction: Direction = Direction.BOTH
    kinds: Kinds = ""
    as_of: Moment | None = None


class LinkQuery(BaseModel):
    """The link to delete, for callers that send no body with a DELETE."""

    kind: QueryText | None = None
    external_id: QueryText | None = None
    source: QueryText | None = None
    target: QueryText | None = None


class EdgeOut(BaseModel):
    """A link from `memory_id` to `target`, which is null while no memory has the external id."""

    memory_id: UUID
    kind: str
    target: UUID | None
    source: str | None
    external_id: str | None
    weight: float
    properties: dict[str, Any]
    valid_from: datetime | None
    valid_to: datetime | None
    recorded_at: datetime


class LinkSeenOut(EdgeOut):
    """A link as seen from a memory; `other` is its other end."""

    direction: Direction
    other: UUID | None


class LinkWritten(EdgeOut):
    """A written link; `decision_id` is null if it was the same before."""

    decision_id: UUID | None


class LinkDeleted(BaseModel):
    """The number of links deleted: two if the target was linked by its id and by its external id."""

    deleted: int
    decision_id: UUID


class NodeOut(BaseModel):
    """A memory of a graph, with the first 200 characters of its text."""

    id: UUID
    distance: int
    content: str
    memory_type: str
    source: str
    external_id: str | None
    state: str


class GraphOut(BaseModel):
    """The memories around a root, nearest first, and the links between them; `truncated` if a bound left some out."""

    root: UUID
    depth: int
    nodes: list[NodeOut]
    edges: list[EdgeOut]
    truncated: bool


def _shape(link: Link) -> dict[str, Any]:
    """Return the fields of `EdgeOut`."""
    return asdict(link) | {
        "memory_id": link.memory,
        "source": link.source if link.external_id else None,
        "external_id": link.external_id or None,
    }


def _written(link: Link, decision: Any) -> dict[str, Any]:
    return LinkWritten(**_shape(link), decision_id=decision).model_dump(mode="json")


class Links(NativeView):
    """A memory's links."""

    scopes = {"GET": Scope.MEMORY_READ, "POST": Scope.MEMORY_WRITE, "DELETE": Scope.MEMORY_WRITE}

    def _answer_again(self, ids: dict[str, Any], memory: UUID) -> Response:
        draft = self.body(LinkIn).draft()
        with tenant_transaction(self.organisation):
            link = queries.get_link(organisation=self.organisation, memory=memory, named=draft)
        return Response(_written(link, ids["decision_id"]))

    @described("memories_links_list", query=LinksQuery, responses={200: page_of(LinkSeenOut)})
    def get(self, request: Request, memory: UUID) -> Response:
        """List the links from a memory, to it (`direction=in`) or both, newest first."""
        query = self.query(LinksQuery)
        with tenant_transaction(self.organisation):
            links = queries.list_links(
                organisation=self.organisation,
                memory=memory,
                direction=query.direction,
                limit=query.limit + 1,
                before=query.before,
                kinds=query.kinds.split(",") if query.kinds else None,
                as_of=query.as_of,
            )
        results = []
        for link in links:
            is_out = link.memory == memory
            seen = {
                "direction": Direction.OUT if is_out else Direction.IN,
                "other": link.target if is_out else link.memory,
            }
            results.append(LinkSeenOut(**_shape(link) | seen).model_dump(mode="json"))
        return Response(page(request._request, links, query.limit, results))

    @described("memories_links_create", request=LinkIn, responses={201: LinkWritten, 200: LinkWritten})
    @once(anew=_answer_again)
    def post(self, request: Request, memory: UUID) -> Response:
        """Link a memory to another. A link that exists gets the new weight, properties and validity and answers 200."""
        del request
        linked = operations.link(**self.caller, memory=memory, draft=self.body(LinkIn).draft())
        status = 201 if linked.outcome is LinkOutcome.CREATED else 200
        return Response(_written(linked.link, linked.decision), status=status)

    @described("memories_links_delete", query=LinkQuery, request=LinkTarget, responses={200: LinkDeleted})
    @once
    def delete(self, request: Request, memory: UUID) -> Response:
        """Delete a link, named by kind and target in the body or in the query."""
        del request
        links, decision = operations.unlink(**self.caller, memory=memory, draft=self._named())
        return Response({"deleted": len(links), "decision_id": str(decision)})

    def _named(self) -> LinkDraft:
        """Return the link to delete."""
        given = {
            name: value for name, value in self.query(LinkQuery).model_dump().items() if value is not None
        }
        if not given:
            named = self.body(LinkTarget)
        elif self.json is not None:
            message = "The link is named in the body or in the query, not in both"
            raise InvalidRequest([item("link_named_twice", ("query", next(iter(given))), message)])
        else:
            named = validate(LinkTarget, given, loc=("query",))
        return named.draft()


class MemoryGraph(NativeView):
    """The memories around one."""

    scopes = {"GET": Scope.MEMORY_READ}
    costly = True

    @described("memories_graph", query=GraphQuery, responses={200: GraphOut})
    def get(self, request: Request, memory: UUID) -> Response:
        """Return the memories within `depth` links of a memory, and the links that lead to them."""
        del request
        query = self.query(GraphQuery)
        with tenant_transaction(self.organisation):
            graph = queries.read_graph(
                organisation=self.organisation,
                memory=memory,
                depth=query.depth,
                limit=query.limit,
                direction=query.direction,
                kinds=query.kinds.split(",") if query.kinds else None,
                as_of=query.as_of or timezone.now(),
            )
        shown = GraphOut(
            root=memory,
            depth=query.depth,
            nodes=[
                NodeOut(**asdict(each) | {"external_id": each.external_id or None}) for each in graph.nodes
            ],
            edges=[EdgeOut(**_shape(each)) for each in graph.edges],
            truncated=graph.truncated,
        )
        return Response(shown.model_dump(mode="json"))
