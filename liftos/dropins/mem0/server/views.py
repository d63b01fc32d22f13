"""mem0's routes: those of its self-hosted server, under /mem0/."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from liftos.dropins.mem0 import shapes
from liftos.dropins.mem0.filters import narrowed
from liftos.dropins.mem0.shapes import Mem0AddIn, Mem0Conditions, Mem0ListIn, Mem0SearchIn, Mem0UpdateIn
from liftos.dropins.mem0.views import Adding, Erasing, History, Mem0View, OneMemory, Search
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described, described_by_class
from liftos.kernel.tenancy.types import Scope
from memory.erasure.operations import forget


class ServerMemories(Erasing, Adding):
    """`/mem0/memories`, of the self-hosted server."""

    scopes = Erasing.scopes

    @described("mem0_server_list", query=Mem0ListIn, responses={200: shapes.Mem0SearchOut})
    def get(self, request: Request) -> Response:
        """List memories, newest first."""
        return Response({"results": self.page(self.query(Mem0ListIn))["results"]})

    @described("mem0_server_add", request=Mem0AddIn, responses={200: shapes.Mem0AddOut}, takes_key=True)
    def post(self, request: Request) -> Response:
        """Store messages as they are, each as a memory, in one transaction."""
        return self.add(request)

    @described("mem0_server_delete_all", query=Mem0Conditions, responses={200: shapes.Mem0MessageOut})
    def delete(self, request: Request) -> Response:
        """Erase the memories of a user, agent, app or run; beyond a thousand in background."""
        self.erase_all()
        return Response({"message": "All relevant memories deleted"})


class ServerMemory(Mem0View):
    """`/mem0/memories/{memory}`, of the self-hosted server."""

    scopes = OneMemory.scopes

    @described("mem0_server_get", responses={200: shapes.Mem0MemoryOut})
    def get(self, request: Request, memory: UUID) -> Response:
        """Return a memory."""
        return Response(shapes.memory_out(self.own(memory)))

    @described("mem0_server_update", request=Mem0UpdateIn, responses={200: shapes.Mem0MessageOut})
    def put(self, request: Request, memory: UUID) -> Response:
        """Change a memory by a new version; its user, agent, app and run stay."""
        self.change(memory, self.body(Mem0UpdateIn))
        return Response({"message": "Memory updated successfully!"})

    @described("mem0_server_delete", responses={200: shapes.Mem0MessageOut})
    def delete(self, request: Request, memory: UUID) -> Response:
        """Erase a memory with its versions."""
        self.own(memory)
        forget(**self.caller, memory=memory, reason="mem0: delete")
        return Response({"message": "Memory deleted successfully"})


@described_by_class(
    "mem0_server_history",
    method="get",
    responses={200: shapes.Mem0HistoryOut},
    description="Same as `GET /v1/memories/{memory}/history/`.",
)
class ServerHistory(History):
    """`GET /mem0/memories/{memory}/history`."""


@described_by_class(
    "mem0_server_search",
    request=Mem0SearchIn,
    responses={200: shapes.Mem0SearchOut},
    description="Same as `POST /v3/memories/search/`.",
)
class ServerSearch(Search):
    """`POST /mem0/search`."""


class Reset(Mem0View):
    """`POST /mem0/reset`."""

    scopes = {"POST": Scope.MEMORY_WRITE}

    @described("mem0_server_reset", responses={200: shapes.Mem0MessageOut})
    @once
    def post(self, request: Request) -> Response:
        """Erase all memories of mem0's clients; beyond a thousand in background."""
        self.erase(narrowed(None), "mem0: reset")
        return Response({"message": "All memories reset"})
