"""`/api/v1/events/stream`: events as they happen, as server-sent events."""

from functools import partial
from typing import Annotated

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from pydantic import Field
from rest_framework.request import Request

from liftos.kernel.errors import InvalidInput, PermissionDenied
from liftos.kernel.http.continued import ContinuedResponse
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.parsing import validate
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.outbox.catalogue import event_types, required_scope, unknown_patterns
from liftos.kernel.outbox.stream.feed import FEED
from liftos.kernel.outbox.stream.listeners import Listener
from liftos.kernel.outbox.stream.places import begin_after
from liftos.kernel.suggestions import unknown
from liftos.kernel.tenancy.authentication import authenticate_request

HEADER = "Last-Event-ID"
IN_HEADER = ("header", "last-event-id")
Place = Annotated[int, Field(ge=0, lt=2**63)]
LAST_EVENT_ID = OpenApiParameter(
    HEADER,
    {"type": "integer", "minimum": 0},
    OpenApiParameter.HEADER,
    description="The id of the last event received; takes precedence over `last_event_id`.",
)
LIVE = {"Content-Type": "text/event-stream", "Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class StreamQuery(Strict):
    """Types, separated by commas, and the last event that the client has: 0 for the oldest kept, none for events from now on."""

    types: str = Field(default="", max_length=5_000, pattern=r"^[A-Za-z0-9_.*:/,-]*$")
    last_event_id: Place | None = None


class _Header(Strict):
    last_event_id: Place = Field(alias="last-event-id")


class EventStream(NativeView):
    """The events of an organisation, as a stream."""

    @extend_schema(
        operation_id="events_stream",
        parameters=[*query_parameters(StreamQuery), LAST_EVENT_ID],
        responses={
            (200, "text/event-stream"): OpenApiTypes.STR,
            410: OpenApiResponse(description="What followed is no longer kept"),
        },
    )
    def get(self, request: Request) -> ContinuedResponse:
        """Send events that the key may receive, in order, until the client leaves.

        `id` is the sequence number, `event` the type, `data` the CloudEvents envelope. Connecting again with the header Last-Event-ID loses
        nothing and repeats nothing.
        """
        asked = self.query(StreamQuery)
        types = [each for each in asked.types.split(",") if each]
        self._check_types(types)
        if "x-break-glass" in request.headers:
            raise PermissionDenied("A stream can't be read under X-Break-Glass.")
        FEED.check_room(self.principal)
        last, loc = asked.last_event_id, ("query", "last_event_id")
        if header := request.headers.get(HEADER, "").strip():
            last, loc = validate(_Header, {IN_HEADER[1]: header}, loc=("header",)).last_event_id, IN_HEADER
        listener = Listener(
            principal=self.principal,
            renew=partial(authenticate_request, request._request),
            types=types,
            position=begin_after(organisation=self.organisation, asked=last, loc=loc),
            known=last is not None,
            more=FEED.wake,
        )
        return ContinuedResponse(partial(FEED.serve, listener), headers=LIVE)

    def _check_types(self, types: list[str]) -> None:
        for each in unknown_patterns(types):
            raise InvalidInput(unknown("event type", each, event_types()), loc=("query", "types"))
        for each in types:
            needed = required_scope(each)
            if "*" not in each and not self.principal.may(needed):
                raise PermissionDenied(f"{each} requires the scope {needed}.")
