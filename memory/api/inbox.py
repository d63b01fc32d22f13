"""`/api/v1/events`: events from outside, as CloudEvents 1.0."""

from typing import Annotated, Any, Literal
from uuid import UUID

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse
from pydantic import AfterValidator, BaseModel, Field, RootModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.errors import InvalidInput, LiftosError
from liftos.kernel.http.openapi import described
from liftos.kernel.http.parsing import InvalidRequest, check_storable
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.outbox.inbox.cloudevents import (
    BATCH,
    MOST_TOGETHER,
    STRUCTURED,
    from_headers,
    read_event,
)
from liftos.kernel.outbox.inbox.errors import UnknownEventForm
from liftos.kernel.outbox.inbox.types import Arrival, Received
from liftos.kernel.ports import text_screener
from liftos.kernel.tenancy.types import Scope
from memory.errors import NotVisible
from memory.inbound import Loc, commit_arrival, prepare_memories
from memory.types import ORGANISATION, VisibleTo


def _readers(text: str) -> str:
    _visible_to(text)
    return text


def _visible_to(text: str) -> VisibleTo | None:
    """Return the readers that a query parameter names."""
    kind, _, named = text.partition(":")
    if not text:
        return None
    if text == "organisation":
        return ORGANISATION
    if kind == "principal" and named:
        return VisibleTo(principal=named)
    groups = tuple(dict.fromkeys(each.strip() for each in named.split(",")))
    if kind == "groups" and all(groups):
        return VisibleTo(groups=groups)
    raise ValueError("must be organisation, principal:NAME or groups:NAME,NAME")


class InboxQuery(Strict):
    """The use of the events: `as=memory` stores each one's data as a memory; `visible_to` says who may see them."""

    becomes: Literal["event", "memory"] = Field(default="event", alias="as")
    visible_to: Annotated[str, Field(max_length=2_000), AfterValidator(_readers)] = ""


class CloudEvent(BaseModel):
    """An event in the JSON form of CloudEvents 1.0; other attributes are extensions."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: str
    subject: str | None = None
    time: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    data: Any = None
    data_base64: str | None = None


class ReceivedOut(BaseModel):
    """An event that has arrived; `event_id` is the service's own id for it. A `duplicate` had arrived before: nothing happened."""

    id: str
    source: str
    type: str
    event_id: UUID
    memory_id: UUID | None
    duplicate: bool


class ReceivedInBatch(BaseModel):
    """An event of a batch: 202 if it has arrived, 200 if it had before, else an error."""

    id: str
    source: str
    status: int
    type: str | None = None
    event_id: UUID | None = None
    memory_id: UUID | None = None
    duplicate: bool | None = None
    error: dict[str, Any] | None = None


class BatchReceived(BaseModel):
    """The events of a batch, in order."""

    results: list[ReceivedInBatch]


class CloudEvents(RootModel[list[CloudEvent]]):
    """A batch of events."""


class InboxOut(RootModel[ReceivedOut | BatchReceived]):
    """The result for an event, or for each event of a batch."""


def shape(received: Received) -> dict[str, Any]:
    """Return an event that has arrived as JSON-ready values."""
    return ReceivedOut(
        id=received.id, source=received.source, type=received.type, event_id=received.event,
        memory_id=received.memory, duplicate=received.duplicate,
    ).model_dump(mode="json")  # fmt: skip


class Inbox(NativeView):
    """Receives events."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}

    @described(
        "events_receive",
        query=InboxQuery,
        request={
            STRUCTURED: CloudEvent,
            BATCH: CloudEvents,
            "application/json": OpenApiTypes.ANY,
            "*/*": OpenApiTypes.BINARY,
        },
        responses={
            202: InboxOut,
            200: InboxOut,
            415: OpenApiResponse(description="Not in a form of CloudEvents"),
        },
    )
    def post(self, request: Request) -> Response:
        """Receive an event, or a batch, once for each source and id: it goes to triggers, webhooks and streams, and may become a memory."""
        asked = self.query(InboxQuery)
        visible_to, as_memories = _visible_to(asked.visible_to), asked.becomes == "memory"
        media_type = (request._request.content_type or "").lower()
        in_headers = media_type not in (STRUCTURED, BATCH) and any(
            name.lower() in ("ce-specversion", "ce-id", "ce-type", "ce-source") for name in request.headers
        )
        is_batch = media_type == BATCH or (not in_headers and isinstance(self.json, list))
        places: list[Loc]
        if in_headers:
            arrivals, places = [self._in_headers(request, as_memories)], [("body",)]
        elif is_batch:
            arrivals, places = self._in_batch(as_memories)
        elif media_type == STRUCTURED or (isinstance(self.json, dict) and "specversion" in self.json):
            arrivals, places = [self._read(self.json, ("body",), as_memories)], [("body", "data")]
        else:
            raise UnknownEventForm
        memories: list[Any] = [None] * len(arrivals)
        if as_memories:
            memories = prepare_memories(self.principal, arrivals, places=places, visible_to=visible_to)
        if not is_batch:
            received = self._commit(arrivals[0], memories[0], visible_to)
            return Response(shape(received), status=200 if received.duplicate else 202)
        results = [
            self._result(arrival, memory, visible_to)
            for arrival, memory in zip(arrivals, memories, strict=True)
        ]
        is_new = any(each["status"] != 200 for each in results)
        return Response({"results": results}, status=202 if is_new else 200)

    def _result(self, arrival: Arrival, memory: Any, visible_to: VisibleTo | None) -> dict[str, Any]:
        try:
            received = self._commit(arrival, memory, visible_to)
        except LiftosError as error:
            if error.status >= 500:
                raise
            detail = {"detail": error.message, "code": error.code} | getattr(error, "extensions", {})
            return {"id": arrival.id, "source": arrival.source, "status": error.status, "error": detail}
        return {"status": 200 if received.duplicate else 202} | shape(received)

    def _commit(self, arrival: Arrival, memory: Any, visible_to: VisibleTo | None) -> Received:
        try:
            return commit_arrival(
                principal=self.principal, arrival=arrival, memory=memory, visible_to=visible_to
            )
        except NotVisible as error:
            loc = error.loc if memory is not None else ("query", *error.loc)
            raise NotVisible(error.message, loc=loc) from error

    def _in_batch(self, as_memories: bool) -> tuple[list[Arrival], list[Loc]]:
        if not isinstance(self.json, list) or not self.json:
            raise InvalidInput("A batch should be a list of at least one event.")
        if len(self.json) > MOST_TOGETHER:
            raise InvalidInput(f"A batch may have at most {MOST_TOGETHER} events.")
        items, arrivals = [], []
        for number, each in enumerate(self.json):
            try:
                arrivals.append(self._read(each, ("body", number), as_memories))
            except InvalidRequest as error:
                items += error.items
        if items:
            raise InvalidRequest(items)
        return arrivals, [("body", number, "data") for number in range(len(arrivals))]

    def _in_headers(self, request: Request, as_memories: bool) -> Arrival:
        raw = request._request
        given = from_headers(request.headers, raw.headers.get("content-type", ""), self.json, raw.body)
        data = {name: given.pop(name) for name in ("data", "data_base64") if name in given}
        # the body has been screened, headers have not
        given = text_screener()(self.organisation, self.principal.actor, given, None)
        return self._read(given | data, ("body",), as_memories, header=True)

    def _read(self, given: Any, loc: Loc, as_memories: bool, *, header: bool = False) -> Arrival:
        check_storable(given, loc=loc)
        # what becomes a memory is limited as memories are
        most = None if as_memories else settings.LIFTOS_EVENT_BYTES
        return read_event(given, loc=loc, header=header, most_bytes=most)
