"""mem0's routes: those of its platform, which its client calls."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.dropins.mem0 import shapes
from liftos.dropins.mem0.filters import ENTITIES, SOURCE, narrowed
from liftos.dropins.mem0.shapes import Mem0AddIn, Mem0Conditions, Mem0ListIn, Mem0SearchIn, Mem0UpdateIn
from liftos.dropins.views import DropInView, items_of
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput, LiftosError
from liftos.kernel.http.errors import AnswerTooLarge
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described, described_by_class
from liftos.kernel.http.pagination import fitting
from liftos.kernel.precedence import giving_way
from liftos.kernel.tenancy.types import Scope
from memory import operations
from memory.erasure.deletions import Deletion, delete_matching
from memory.erasure.operations import forget, forget_many
from memory.listing.orders import NEWEST, Place
from memory.listing.plans import find_ids
from memory.listing.queries import count_memories, find_page
from memory.models import Memory
from memory.operations import Prepared
from memory.queries import MemoryNotFound, get_memories, get_memory, list_stored
from memory.search.service import search
from memory.search.types import SearchRequest
from memory.trust.history import list_history
from memory.trust.revision import revise
from memory.trust.versions import VersionMismatch
from memory.types import trust_of
from memory.values.queries import list_values
from memory.values.types import ValueOrder

TRIES = 5
"""Attempts to change a memory that others change at the same time."""
CHANGES = 200
"""Of a memory's history."""
MOST_ENTITIES = 10_000
"""Of each type."""
TYPES = {name.removesuffix("_id"): name for name in ENTITIES}


class Mem0View(DropInView):
    """A base of mem0's routes."""

    tag = "mem0"
    # mem0's clients send their key as a Token
    key_schemes = frozenset({"token"})

    def error_body(self, error: LiftosError) -> dict[str, Any]:
        """Return `detail`, and `errors` with the invalid fields."""
        items = items_of(error)
        return {"detail": error.message, "code": error.code} | ({"errors": items} if items else {})

    def own(self, memory: UUID) -> Memory:
        """Return a memory of mem0's clients.

        Raises:
            MemoryNotFound: there is none, or it has another source.
        """
        with tenant_transaction(self.organisation):
            row = get_memory(organisation=self.organisation, memory=memory)
        if row.source != SOURCE:
            raise MemoryNotFound
        return row

    def check_all(self, memories: Iterable[UUID]) -> None:
        """Refuse memories of which one is not there.

        Raises:
            MemoryNotFound: see `own`.
        """
        wanted = list(memories)
        with tenant_transaction(self.organisation):
            rows = get_memories(organisation=self.organisation, memories=wanted)
        for each in wanted:
            if each not in rows or rows[each].source != SOURCE:
                raise MemoryNotFound(f"There is no memory {each}.")

    def change(self, memory: UUID, asked: Mem0UpdateIn) -> None:
        """Change a memory, anew if somebody else changes it at the same time."""
        for attempt in range(TRIES):
            row = self.own(memory)
            try:
                revise(**self.caller, memory=memory, changes=asked.changes(row.metadata), version=row.version)
            except VersionMismatch:
                if attempt == TRIES - 1:
                    raise
            else:
                return

    def erase(self, narrow: SearchRequest, reason: str) -> Deletion:
        """Erase what passes conditions; beyond a thousand in background."""
        return delete_matching(**self.caller, narrowed=narrow, reason=reason)


class Ping(Mem0View):
    """`GET /v1/ping/`, with which the client checks its key."""

    @described("mem0_ping", responses={200: shapes.Mem0PingOut})
    def get(self, request: Request) -> Response:
        """Return the caller's organisation."""
        return Response(
            {
                "status": "ok",
                "org_id": str(self.organisation),
                "project_id": self.principal.slug,
                "user_email": None,
            }
        )


class Adding(Mem0View):
    """A base of routes that store messages."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}

    def prepare(self) -> Prepared:
        """Parse and embed the messages."""
        return operations.prepare(self.organisation, self.body(Mem0AddIn).drafts(), trust_of(self.principal))

    def again(self, ids: dict[str, Any]) -> Response:
        """Answer a repeated request with what is left of the memories that the first one stored."""
        with tenant_transaction(self.organisation):
            rows = list_stored(organisation=self.organisation, decision=UUID(ids["event_id"]))
        return _added(ids["event_id"], [(row.id, row.content, row.metadata) for row in rows])

    @once(prepare=prepare, anew=again)
    def add(self, request: Request, prepared: Prepared) -> Response:
        """Store the messages in one transaction, all or none."""
        del request
        by = self.principal.acting_for(self.body(Mem0AddIn).user_id)
        stored = operations.commit_all(organisation=self.organisation, by=by, prepared=prepared)
        drafts = [row.draft for row in prepared.rows]
        results = [
            (each.id, draft.content, draft.metadata) for each, draft in zip(stored, drafts, strict=True)
        ]
        return _added(str(stored[0].decision), results)


def _added(event: str, stored: Iterable[tuple[UUID, str, dict[str, Any]]]) -> Response:
    results = []
    for memory, content, metadata in stored:
        one = {"id": str(memory), "memory": content, "event": "ADD", "role": metadata.get("role", "user")}
        results.append(one | ({"actor_id": metadata["actor_id"]} if metadata.get("actor_id") else {}))
    return Response({"results": results, "event_id": event})


class _Listing(Mem0View):
    """A base of routes that list memories."""

    def page(self, asked: Mem0ListIn) -> dict[str, Any]:
        """Return a page of memories, newest first."""
        organisation, narrow, size = self.organisation, asked.narrowed(), asked.page_size
        before = (asked.page - 1) * size
        with tenant_transaction(organisation):
            total = count_memories(organisation=organisation, narrowed=narrow)
            rows = _rows_after(organisation, narrow, before, size) if before < total else []
            results = [shapes.memory_out(row) for row in rows[:size]]
        if fitting(results) < min(size, total - before, len(rows)):
            raise AnswerTooLarge("The page would be too large; use a smaller page_size.")
        return {
            "count": total,
            "next": self._url(asked.page + 1, size) if before + size < total else None,
            "previous": self._url(asked.page - 1, size) if asked.page > 1 else None,
            "results": results,
        }

    def _url(self, page: int, size: int) -> str:
        request = self.request._request
        query = request.GET.dict() | {"page": str(page), "page_size": str(size)}
        return request.build_absolute_uri(f"{request.path}?{urlencode(query)}")


def _rows_after(organisation: UUID, narrow: SearchRequest, before: int, size: int) -> list[Memory]:
    place = None
    if before:
        ids = find_ids(organisation=organisation, narrowed=narrow, limit=before, order=NEWEST, place=None)
        place = Place(ids[-1])
    return find_page(organisation=organisation, narrowed=narrow, limit=size, place=place)


class _Searching(Mem0View):
    """A base of routes that search."""

    scopes = {"POST": Scope.MEMORY_READ}

    def found(self) -> list[dict[str, Any]]:
        """Return the hits, best first."""
        asked = self.body(Mem0SearchIn)
        by = self.principal.acting_for(asked.user_id)
        hits = search(organisation=self.organisation, by=by, request=asked.request()).hits
        with tenant_transaction(self.organisation):
            rows = get_memories(organisation=self.organisation, memories=[hit.id for hit in hits])
        return [shapes.hit_out(hit, rows.get(hit.id), asked.fields) for hit in hits]


class Erasing(_Listing):
    """A base of routes that list memories, and erase them by conditions."""

    scopes = {"GET": Scope.MEMORY_READ, "POST": Scope.MEMORY_PROPOSE, "DELETE": Scope.MEMORY_WRITE}

    def erase_all(self) -> None:
        """Erase what passes the conditions in the query string."""
        asked = self.query(Mem0Conditions)
        if not asked.joined:
            raise InvalidInput(
                "One of user_id, agent_id, app_id, run_id and filters is required.", loc=("query",)
            )
        self.erase(narrowed(asked.joined), "mem0: delete_all")


class Memories(Erasing, Adding):
    """`/v1/memories/`: the platform's, as earlier clients call it."""

    scopes = Erasing.scopes

    @described("mem0_list_v1", query=Mem0ListIn, responses={200: shapes.Mem0MemoriesOrPageOut})
    def get(self, request: Request) -> Response:
        """List memories, newest first; with `page` or `output_format` v1.1 as an object with `results`."""
        asked = self.query(Mem0ListIn)
        page = self.page(asked)
        paged = "page" in asked.model_fields_set or asked.output_format == "v1.1"
        return Response(page if paged else page["results"])

    @described("mem0_add_v1", request=Mem0AddIn, responses={200: shapes.Mem0AddOut}, takes_key=True)
    def post(self, request: Request) -> Response:
        """Store messages as they are, each as a memory."""
        return self.add(request)

    @described("mem0_delete_all", query=Mem0Conditions, responses={200: shapes.Mem0MessageOut})
    def delete(self, request: Request) -> Response:
        """Erase the memories of a user, agent, app or run, or those that pass filters; beyond a thousand in background."""
        self.erase_all()
        return Response({"message": "Memories deleted successfully!"})


class Add(Adding):
    """`POST /v3/memories/add/`."""

    @described("mem0_add", request=Mem0AddIn, responses={200: shapes.Mem0AddOut}, takes_key=True)
    def post(self, request: Request) -> Response:
        """Store messages as they are, each as a memory, in one transaction."""
        return self.add(request)


class Query(_Listing):
    """`POST /v3/memories/`."""

    scopes = {"POST": Scope.MEMORY_READ}

    @described(
        "mem0_list", request=Mem0ListIn, query=shapes.Mem0PageQuery, responses={200: shapes.Mem0ListOut}
    )
    def post(self, request: Request) -> Response:
        """List memories that pass filters, newest first; `page` and `page_size` may be in the query string."""
        given = self.query(shapes.Mem0PageQuery).model_dump(exclude_unset=True)
        if isinstance(self.json, dict) or self.json is None:
            self.json = (self.json or {}) | given
        return Response(self.page(self.body(Mem0ListIn)))


class QueryV2(_Listing):
    """`POST /v2/memories/`, as earlier clients call it."""

    scopes = {"POST": Scope.MEMORY_READ}

    @described(
        "mem0_list_v2",
        request=Mem0ListIn,
        query=shapes.Mem0PageQuery,
        responses={200: shapes.Mem0MemoriesOrPageOut},
    )
    def post(self, request: Request) -> Response:
        """List memories that pass filters, newest first; with `page` or `output_format` v1.1 as an object with `results`."""
        given = self.query(shapes.Mem0PageQuery).model_dump(exclude_unset=True)
        if isinstance(self.json, dict) or self.json is None:
            self.json = (self.json or {}) | given
        asked = self.body(Mem0ListIn)
        page = self.page(asked)
        paged = "page" in asked.model_fields_set or asked.output_format == "v1.1"
        return Response(page if paged else page["results"])


class Search(_Searching):
    """`POST /v3/memories/search/`."""

    @described("mem0_search", request=Mem0SearchIn, responses={200: shapes.Mem0SearchOut})
    def post(self, request: Request) -> Response:
        """Search the memories that pass filters."""
        return Response({"results": self.found()})


class SearchV2(_Searching):
    """`POST /v2/memories/search/`, as earlier clients call it."""

    @described("mem0_search_v2", request=Mem0SearchIn, responses={200: shapes.Mem0HitsOut})
    def post(self, request: Request) -> Response:
        """Search the memories that pass filters; with `output_format` v1.1 as an object with `results`."""
        found = self.found()
        is_object = self.body(Mem0SearchIn).output_format == "v1.1"
        return Response({"results": found} if is_object else found)


@described_by_class(
    "mem0_search_v1",
    request=Mem0SearchIn,
    responses={200: shapes.Mem0HitsOut},
    description="Same as `POST /v2/memories/search/`.",
)
class SearchV1(SearchV2):
    """`POST /v1/memories/search/`."""


class OneMemory(Mem0View):
    """`/v1/memories/{memory}/`."""

    scopes = {"GET": Scope.MEMORY_READ, "PUT": Scope.MEMORY_WRITE, "DELETE": Scope.MEMORY_WRITE}

    @described("mem0_get", responses={200: shapes.Mem0MemoryOut})
    def get(self, request: Request, memory: UUID) -> Response:
        """Return a memory."""
        return Response(shapes.memory_out(self.own(memory)))

    @described("mem0_update", request=Mem0UpdateIn, responses={200: shapes.Mem0MemoryOut})
    def put(self, request: Request, memory: UUID) -> Response:
        """Change a memory by a new version; its user, agent, app and run stay."""
        self.change(memory, self.body(Mem0UpdateIn))
        return Response(shapes.memory_out(self.own(memory)))

    @described("mem0_delete", responses={200: shapes.Mem0MessageOut})
    def delete(self, request: Request, memory: UUID) -> Response:
        """Erase a memory with its versions."""
        self.own(memory)
        forget(**self.caller, memory=memory, reason="mem0: delete")
        return Response({"message": "Memory deleted successfully!"})


class History(Mem0View):
    """`GET /v1/memories/{memory}/history/`."""

    scopes = {"GET": Scope.MEMORY_READ}

    @described("mem0_history", responses={200: shapes.Mem0HistoryOut})
    def get(self, request: Request, memory: UUID) -> Response:
        """List the last 200 changes of a memory, oldest first."""
        self.own(memory)
        with tenant_transaction(self.organisation):
            changes = list_history(organisation=self.organisation, memory=memory, limit=CHANGES)
        shown = [shapes.change_out(memory, each) for each in changes]
        return Response(shown[: max(1, fitting(shown))][::-1])


class Batch(Mem0View):
    """`/v1/batch/`."""

    scopes = {"PUT": Scope.MEMORY_WRITE, "DELETE": Scope.MEMORY_WRITE}

    @described("mem0_batch_update", request=shapes.Mem0BatchUpdateIn, responses={200: shapes.Mem0MessageOut})
    def put(self, request: Request) -> Response:
        """Change memories one after another; nothing changes if one of them is not there."""
        asked = self.body(shapes.Mem0BatchUpdateIn).memories
        self.check_all(each.memory_id for each in asked)
        for each in giving_way(asked):
            self.change(each.memory_id, each)
        return Response({"message": f"Successfully updated {len(asked)} memories"})

    @described("mem0_batch_delete", request=shapes.Mem0BatchDeleteIn, responses={200: shapes.Mem0MessageOut})
    def delete(self, request: Request) -> Response:
        """Erase memories in one transaction; nothing is erased if one of them is not there."""
        wanted = list(dict.fromkeys(each.memory_id for each in self.body(shapes.Mem0BatchDeleteIn).memories))
        self.check_all(wanted)
        for _ in forget_many(**self.caller, memories=wanted, reason="mem0: batch_delete"):
            pass
        return Response({"message": f"Successfully deleted {len(wanted)} memories"})


class Entities(Mem0View):
    """`GET /v1/entities/`."""

    scopes = {"GET": Scope.MEMORY_READ}

    @described("mem0_entities", responses={200: shapes.Mem0EntitiesOut})
    def get(self, request: Request) -> Response:
        """List the users, agents, apps and runs that memories name, the most used first."""
        results = []
        with tenant_transaction(self.organisation):
            for kind, key in TYPES.items():
                used = list_values(
                    organisation=self.organisation,
                    field=f"metadata.{key}",
                    narrowed=narrowed(None),
                    prefix="",
                    order=ValueOrder.COUNT,
                    limit=MOST_ENTITIES,
                )
                results += [
                    {
                        "id": str(each.value),
                        "name": str(each.value),
                        "type": kind,
                        "total_memories": each.count,
                    }
                    for each in used
                    if isinstance(each.value, str)
                ]
        return Response({"count": len(results), "next": None, "previous": None, "results": results})


class Entity(Mem0View):
    """`DELETE /v2/entities/{kind}/{name}/`."""

    scopes = {"DELETE": Scope.MEMORY_WRITE}

    @described("mem0_delete_entity", responses={200: shapes.Mem0MessageOut})
    def delete(self, request: Request, kind: str, name: str) -> Response:
        """Erase the memories of a user, agent, app or run; beyond a thousand in background."""
        if kind not in TYPES:
            raise InvalidInput(f"The type is one of {', '.join(TYPES)}.", loc=("path", "kind"))
        # none is no error: the client's reset deletes a user, then the runs that went with it
        self.erase(narrowed({TYPES[kind]: name}), "mem0: delete_users")
        return Response({"message": "Entity deleted successfully!"})
