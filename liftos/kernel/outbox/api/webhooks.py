"""`/api/v1/webhooks`: receivers of events outside."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.utils import timezone
from pydantic import BaseModel, Field, model_validator
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, page, page_of
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.outbox.models import Webhook
from liftos.kernel.outbox.webhooks import operations
from liftos.kernel.outbox.webhooks.operations import MAX_OVERLAP_HOURS, WebhookDraft
from liftos.kernel.outbox.webhooks.queries import get_webhook, list_webhooks
from liftos.kernel.outbox.webhooks.signing import secret_of
from liftos.kernel.tenancy.types import Scope

Url = Annotated[str, Field(min_length=1, max_length=2_000)]
Type = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_.*:/-]+$")]
Types = Annotated[list[Type], Field(min_length=1, max_length=100)]
Text = Annotated[str, Field(max_length=200)]


class WebhookIn(Strict):
    """A webhook to create: where events go, their types (`liftos.memory.*` for all that begin so), and a filter on the memory."""

    url: Url
    events: Types
    filters: dict[str, Any] | None = None
    description: Text = ""


class WebhookChange(Strict):
    """The fields to change; `filters` null removes them."""

    url: Url | None = None
    events: Types | None = None
    filters: dict[str, Any] | None = None
    description: Text | None = None

    @model_validator(mode="after")
    def check_given(self) -> "WebhookChange":
        """Refuse an empty change, and null for what can't be empty."""
        if not self.model_fields_set:
            raise ValueError("needs url, events, filters or description")
        for name in self.model_fields_set - {"filters"}:
            if getattr(self, name) is None:
                raise ValueError(f"{name} can't be null")
        return self


class RotationIn(Strict):
    """The hours for which messages are signed with the former secret too."""

    overlap_hours: float = Field(default=24.0, ge=0, le=MAX_OVERLAP_HOURS, allow_inf_nan=False)


class WebhookOut(BaseModel):
    """A webhook. `secret` is in the answers that create and rotate it, and in no other."""

    id: UUID
    url: str
    description: str
    events: list[str]
    filters: dict[str, Any] | None
    created_at: datetime
    paused_at: datetime | None
    disabled_at: datetime | None
    failures: int
    next_attempt_at: datetime | None
    former_secret_until: datetime | None
    secret: str | None = None


def shape(row: Webhook, *, with_secret: bool = False) -> dict[str, Any]:
    """Return a webhook as JSON-ready values."""
    former = row.former_until if row.former_until and row.former_until > timezone.now() else None
    return WebhookOut(
        id=row.id,
        url=row.url,
        description=row.description,
        events=row.events,
        filters=row.filters,
        created_at=row.recorded_at,
        paused_at=row.paused_at,
        disabled_at=row.disabled_at,
        failures=row.failures,
        next_attempt_at=row.due_at if row.failures and not row.disabled_at else None,
        former_secret_until=former,
        secret=secret_of(row.organisation_id, row.id, row.salt) if with_secret else None,
    ).model_dump(mode="json")


class WebhooksView(NativeView):
    """A base of the views of webhooks."""

    scopes = {
        "GET": Scope.WORKFLOWS_WRITE, "POST": Scope.WORKFLOWS_WRITE, "PATCH": Scope.WORKFLOWS_WRITE,
        "DELETE": Scope.WORKFLOWS_WRITE,
    }  # fmt: skip

    def shown(self, webhook: UUID) -> dict[str, Any]:
        """Return a webhook as JSON-ready values, without its secret."""
        with tenant_transaction(self.organisation):
            return shape(get_webhook(organisation=self.organisation, webhook=webhook))

    def answer_again(self, ids: dict[str, Any], webhook: UUID | None = None) -> Response:
        """Replay an answer with the webhook's current state."""
        return Response(self.shown(webhook or UUID(ids["id"])))


class Webhooks(WebhooksView):
    """The webhooks of an organisation."""

    @described("webhooks_list", query=PageQuery, responses={200: page_of(WebhookOut)})
    def get(self, request: Request) -> Response:
        """List webhooks, newest first."""
        query = self.query(PageQuery)
        with tenant_transaction(self.organisation):
            rows = list_webhooks(organisation=self.organisation, limit=query.limit + 1, before=query.before)
        return Response(page(request._request, rows, query.limit, [shape(each) for each in rows]))

    @described("webhooks_create", request=WebhookIn, responses={201: WebhookOut})
    @once(anew=WebhooksView.answer_again)
    def post(self, request: Request) -> Response:
        """Create a webhook, which receives what the caller may see. Its `secret` is in this answer only, and in no replay of it."""
        asked = self.body(WebhookIn)
        draft = WebhookDraft(asked.url, tuple(asked.events), asked.filters, asked.description)
        made = operations.create_webhook(principal=self.principal, draft=draft)
        return Response(shape(made, with_secret=True), status=201)


class WebhookDetail(WebhooksView):
    """One webhook."""

    @described("webhooks_get", responses={200: WebhookOut})
    def get(self, request: Request, webhook: UUID) -> Response:
        """Return a webhook."""
        return Response(self.shown(webhook))

    @described("webhooks_change", request=WebhookChange, responses={200: WebhookOut})
    @once(anew=WebhooksView.answer_again)
    def patch(self, request: Request, webhook: UUID) -> Response:
        """Change a webhook. From now on it receives what the caller may see."""
        changes = self.body(WebhookChange).model_dump(exclude_unset=True)
        row = operations.change_webhook(principal=self.principal, webhook=webhook, changes=changes)
        return Response(shape(row))

    @described("webhooks_delete", responses={204: None})
    @once
    def delete(self, request: Request, webhook: UUID) -> Response:
        """Delete a webhook and its deliveries."""
        operations.delete_webhook(principal=self.principal, webhook=webhook)
        return Response(status=204)


class WebhookRotation(WebhooksView):
    """A webhook's secret."""

    @described("webhooks_rotate", request=RotationIn, responses={200: WebhookOut})
    @once(anew=WebhooksView.answer_again)
    def post(self, request: Request, webhook: UUID) -> Response:
        """Replace the secret; for `overlap_hours` messages are signed with both. `secret` is in this answer only."""
        asked = self.body(RotationIn)
        row = operations.rotate_secret(
            principal=self.principal, webhook=webhook, overlap_hours=asked.overlap_hours
        )
        return Response(shape(row, with_secret=True))


class WebhookPause(WebhooksView):
    """Pausing a webhook."""

    @described("webhooks_pause", responses={200: WebhookOut})
    @once(anew=WebhooksView.answer_again)
    def post(self, request: Request, webhook: UUID) -> Response:
        """Stop sending; events wait until the webhook is resumed."""
        return Response(shape(operations.pause_webhook(principal=self.principal, webhook=webhook)))


class WebhookResumption(WebhooksView):
    """Resuming a webhook."""

    @described("webhooks_resume", responses={200: WebhookOut})
    @once(anew=WebhooksView.answer_again)
    def post(self, request: Request, webhook: UUID) -> Response:
        """Send again, also after the receiver had disabled the webhook; what waits is tried at once."""
        return Response(shape(operations.resume_webhook(principal=self.principal, webhook=webhook)))
