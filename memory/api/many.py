"""`POST /api/v1/memories/get` and `/batch`: read or store many memories at once, with a result each, in order."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, field_validator
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import LiftosError
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import fitting
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.memories import MemoryCreate, MemoryOut, UserId, render
from memory.api.shared import RejectionOut, SecretsOut
from memory.bulk.lines import STATUS, WITHOUT_ID
from memory.operations import Prepared, commit_many, prepare, raise_refusal
from memory.queries import get_memories
from memory.types import Outcome, Stored, trust_of

MOST_READ = 200
MOST_STORED = 1_000


class Ids(Strict):
    """The memories to read."""

    ids: Annotated[list[UUID], Field(min_length=1, max_length=MOST_READ)]


class ReadOne(BaseModel):
    """The result for an id: 200 with the memory, 404, or 413 if the answer has no room for it."""

    id: UUID
    status: int
    memory: MemoryOut | None = None
    error: dict[str, str] | None = None


class ReadMany(BaseModel):
    """The results, in the order of the ids."""

    results: list[ReadOne]


class Batch(Strict):
    """Memories to store, and the user they are stored for."""

    memories: Annotated[list[MemoryCreate], Field(min_length=1, max_length=MOST_STORED)]
    user_id: UserId = None

    @field_validator("memories")
    @classmethod
    def check_users(cls, memories: list[MemoryCreate]) -> list[MemoryCreate]:
        """Refuse a user for a single memory: they share one record."""
        for number, each in enumerate(memories):
            if each.user_id is not None:
                raise ValueError(f"user_id is given once, beside memories (found in memory {number})")
        return memories


class StoredOne(BaseModel):
    """The result for a memory: 201 if stored, 200 if it was there unchanged, 409 or 422 with an error."""

    status: int
    outcome: str
    id: UUID | None = None
    embedding: str | None = None
    state: str | None = None
    rejection: RejectionOut | None = None
    secrets: SecretsOut | None = None
    error: dict[str, Any] | None = None


class StoredMany(BaseModel):
    """The results, in the order of the memories, and the decision that records them."""

    results: list[StoredOne]
    decision_id: UUID | None


class MemoryGet(NativeView):
    """Reads memories by id."""

    scopes = {"POST": Scope.MEMORY_READ}

    @described("memories_get_many", request=Ids, responses={200: ReadMany})
    def post(self, request: Request) -> Response:
        """Return up to 200 memories in any trust state, in the order of their ids."""
        del request
        ids = self.body(Ids).ids
        with tenant_transaction(self.organisation):
            rows = get_memories(organisation=self.organisation, memories=ids)
            shown = {each: render(row) for each, row in rows.items()}
        found = [shown[each] for each in dict.fromkeys(ids) if each in shown]
        room = {each["id"] for each in found[: fitting(found)]}
        return Response({"results": [_read(each, shown.get(each), room) for each in ids]})


class MemoryBatch(NativeView):
    """Stores memories."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}
    screened = frozenset({"reason", "user_id"})

    def prepare(self) -> Prepared:
        """Parse and embed the memories."""
        drafts = [each.draft() for each in self.body(Batch).memories]
        return prepare(self.organisation, drafts, trust_of(self.principal))

    @described("memories_batch", request=Batch, responses={200: StoredMany})
    @once(prepare=prepare)
    def post(self, request: Request, prepared: Prepared) -> Response:
        """Store up to 1,000 memories in one transaction. One that is refused does not affect the others."""
        del request
        by = self.principal.acting_for(self.body(Batch).user_id)
        stored = commit_many(organisation=self.organisation, by=by, prepared=prepared)
        results = [_stored(each, str(row.state)) for each, row in zip(stored, prepared.rows, strict=True)]
        return Response({"results": results, "decision_id": str(stored[0].decision)})


def _read(memory: UUID, shown: dict[str, Any] | None, room: set[str]) -> dict[str, Any]:
    if shown is None:
        error = {"detail": "There is no such memory.", "code": "memory.not_found"}
        return {"id": str(memory), "status": 404, "error": error}
    if shown["id"] not in room:
        error = {"detail": "The answer has no room for it; get it alone.", "code": "liftos.answer_too_large"}
        return {"id": str(memory), "status": 413, "error": error}
    return {"id": str(memory), "status": 200, "memory": shown}


def _stored(stored: Stored, state: str) -> dict[str, Any]:
    result: dict[str, Any] = {"status": STATUS[stored.outcome], "outcome": str(stored.outcome)}
    if stored.outcome not in WITHOUT_ID:
        result["id"] = str(stored.id)
    if stored.outcome is Outcome.STORED:
        result |= {"embedding": str(stored.embedding), "state": state} | stored.mark
    try:
        raise_refusal(stored)
    except LiftosError as error:
        result["error"] = {"detail": error.message, "code": error.code} | getattr(error, "extensions", {})
    return result
