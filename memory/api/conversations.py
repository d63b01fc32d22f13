"""`/api/v1/conversations/{thread}/turns`: store the turns of a conversation, read them in order."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.shared import RejectionOut, SecretsOut
from memory.conversations.inputs import (
    ConversationIn,
    MessagesIn,
    OneTurnIn,
    TurnIn,
    TurnsIn,
    shape_of,
    turns_of,
)
from memory.conversations.operations import PreparedTurns, commit_turns, prepare_turns
from memory.conversations.queries import list_turns
from memory.conversations.types import MAX_THREAD
from memory.inputs import visible_to_of
from memory.models import ConversationTurn
from memory.types import Outcome, trust_of


class TurnStored(BaseModel):
    """A stored turn; `number` is its place in the thread, from 1."""

    id: UUID
    number: int
    outcome: str
    embedding: str
    state: str
    rejection: RejectionOut | None = None
    secrets: SecretsOut | None = None


class TurnsStored(BaseModel):
    """Stored turns in the order of the request: 201, or 200 if all were stored before. `skipped` said nothing."""

    ids: list[UUID]
    turns: list[TurnStored]
    stored: int
    unchanged: int
    skipped: int
    decision_id: UUID | None


class TurnOut(BaseModel):
    """A turn of a conversation."""

    id: UUID
    number: int
    role: str
    name: str
    content: str | dict[str, Any]
    at: datetime | None
    metadata: dict[str, Any]
    state: str
    embedding: str
    recorded_at: datetime


class TurnPage(BaseModel):
    """A page of turns, oldest first."""

    results: list[TurnOut]
    next: str | None


class TurnQuery(BaseModel):
    """The number of turns, and the position from `next` of the previous page."""

    limit: int = Field(default=50, ge=1, le=200)
    cursor: int = Field(default=0, ge=0, le=2**31 - 1)


class ConversationTurns(NativeView):
    """The turns of a conversation."""

    scopes = {"GET": Scope.MEMORY_READ, "POST": Scope.MEMORY_PROPOSE}
    screened = frozenset({"reason"})

    def cost(self) -> int:
        """Return one unit per turn."""
        sent = self.json if isinstance(self.json, dict) else {}
        many = sent.get("turns") or sent.get("messages")
        return len(many) if isinstance(many, list) else 1

    def prepare(self, thread: str) -> PreparedTurns:
        """Parse and embed the turns."""
        _check_thread(thread)
        turns = [each.turn() for each in self._given() if not each.is_silent]
        if not turns:
            raise InvalidRequest([item("string_blank", ("body", "content"), "No turn says anything")])
        asked = self._body()
        return prepare_turns(
            self.principal.organisation,
            thread,
            turns,
            trust_of(self.principal),
            visible_to_of(asked.visible_to),
            index=asked.index,
        )

    @extend_schema(
        operation_id="conversations_turns_list",
        parameters=query_parameters(TurnQuery),
        responses={200: TurnPage},
    )
    def get(self, request: Request, thread: str) -> Response:
        """Return a conversation's turns in order."""
        _check_thread(thread)
        asked, organisation = self.query(TurnQuery), self.principal.organisation
        with tenant_transaction(organisation):
            found = list_turns(
                organisation=organisation, thread=thread, after=asked.cursor, limit=asked.limit + 1
            )
        shown = found[: asked.limit]
        following = None
        if len(found) > asked.limit:
            path = f"/api/v1/conversations/{quote(thread, safe='')}/turns"
            url = request._request.build_absolute_uri(path)
            following = f"{url}?cursor={shown[-1].number}&limit={asked.limit}"
        return Response({"results": [_render(each) for each in shown], "next": following})

    @extend_schema(
        operation_id="conversations_turns_create",
        request=ConversationIn,
        responses={201: TurnsStored, 200: TurnsStored},
    )
    @once(prepare=prepare)
    def post(self, request: Request, thread: str, prepared: PreparedTurns) -> Response:
        """Append turns to a conversation, all or none. A turn stored before under its `id` keeps its place."""
        del request, thread
        stored = commit_turns(
            organisation=self.principal.organisation, by=self.principal.actor, prepared=prepared
        )
        new = sum(each.outcome is Outcome.STORED for each in stored.turns)
        body = {
            "ids": [str(each.id) for each in stored.turns],
            "turns": [each.as_json() for each in stored.turns],
            "stored": new,
            "unchanged": len(stored.turns) - new,
            "skipped": len(self._given()) - len(stored.turns),
            "decision_id": str(stored.decision) if stored.decision else None,
        }
        return Response(body, status=201 if new else 200)

    def _body(self) -> OneTurnIn | TurnsIn | MessagesIn:
        return self.body(shape_of(self.json))

    def _given(self) -> Sequence[TurnIn]:
        return turns_of(self._body())


def _check_thread(thread: str) -> None:
    if len(thread) > MAX_THREAD or not thread.strip() or not thread.isprintable():
        message = f"A thread is named by 1 to {MAX_THREAD} printable characters"
        raise InvalidRequest([item("thread_name", ("path", "thread"), message)])


def _render(turn: ConversationTurn) -> dict[str, Any]:
    memory = turn.memory
    return TurnOut(
        id=memory.id,
        number=turn.number,
        role=turn.role,
        name=turn.name,
        content=memory.given_content,
        at=memory.valid_from,
        metadata=memory.metadata,
        state=memory.state,
        embedding=memory.embedding,
        recorded_at=memory.recorded_at,
    ).model_dump(mode="json")
