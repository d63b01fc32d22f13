from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.forms import ModelForm, ValidationError
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.parts import CheckedLists, LongList, OptionalObject, choice_filter
from liftos.kernel.errors import LiftosError
from liftos.kernel.outbox.models import Delivery, OutboxEvent, Webhook
from liftos.kernel.outbox.types import DeliveryState
from liftos.kernel.outbox.webhooks import operations
from liftos.kernel.outbox.webhooks.operations import WebhookDraft, check_draft
from liftos.kernel.outbox.webhooks.signing import secret_of
from liftos.kernel.tenancy.authority import scopes_now
from liftos.kernel.tenancy.types import Principal

OVERLAP_HOURS = 24


@admin.register(OutboxEvent)
class OutboxEventAdmin(LongList, ModelAdmin):
    list_display = ("recorded_at", "sequence", "type", "subject", "correlation_id")
    search_fields = ("=type", "=subject", "=correlation_id")


class WebhookForm(ModelForm):
    events = forms.CharField(
        label="Event types",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="One a line; liftos.memory.* for all that begin so.",
    )
    filters = OptionalObject(
        help_text="Metadata filters: only events about memories that pass them are sent."
    )
    description = forms.CharField(required=False, max_length=200, widget=UnfoldAdminTextInputWidget())

    class Meta:
        model = Webhook
        fields = ("url", "description", "events", "filters")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "events" in self.fields and not self.instance._state.adding:
            self.initial["events"] = "\n".join(self.instance.events)

    def clean_events(self) -> list[str]:
        """Return the types."""
        return list(dict.fromkeys(self.cleaned_data["events"].split()))

    def draft(self) -> WebhookDraft:
        """Return what the form asks for."""
        values = self.cleaned_data
        return WebhookDraft(
            values["url"], tuple(values["events"]), values["filters"] or None, values["description"]
        )

    def clean(self) -> dict[str, Any]:
        """Check the URL's host, the types and the filters."""
        if not self.errors:
            try:
                check_draft(self.draft())
            except LiftosError as error:
                field = str(error.loc[0]) if error.loc else ""
                raise ValidationError({field if field in self.fields else "url": error.message}) from error
        return self.cleaned_data


@admin.register(Webhook)
class WebhookAdmin(CheckedLists, ModelAdmin):
    """Webhooks; each change is a decision and gives the webhook the authority of whoever made it."""

    form = WebhookForm
    list_display = ("url", "events", "state", "failures", "recorded_at")
    search_fields = ("url", "description")
    ordering = ("-id",)
    actions = ("ping", "pause", "resume", "rotate")

    @admin.display(description="State")
    def state(self, webhook: Webhook) -> str:
        if webhook.disabled_at:
            return "disabled by the receiver"
        return "paused" if webhook.paused_at else ("failing" if webhook.failures else "active")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and getattr(request, "organisation", None) is not None

    def save_model(self, request: HttpRequest, obj: Webhook, form: WebhookForm, change: bool) -> None:
        draft = form.draft()
        if change:
            values = {"url": draft.url, "events": list(draft.events), "filters": draft.filters, "description": draft.description}  # fmt: skip
            changes = {name: values[name] for name in form.changed_data if name in values}
            if changes:
                operations.change_webhook(principal=_caller(request), webhook=obj.id, changes=changes)
            return
        made = operations.create_webhook(principal=_caller(request), draft=draft)
        for field in made._meta.concrete_fields:
            setattr(obj, field.attname, getattr(made, field.attname))
        obj._state.adding = False
        _show_secret(request, made)

    def delete_model(self, request: HttpRequest, obj: Webhook) -> None:
        operations.delete_webhook(principal=_caller(request), webhook=obj.id)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for each in queryset:
            self.delete_model(request, each)

    @admin.action(description="Send a test event", permissions=["change"])
    def ping(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for each in queryset:
            operations.ping_webhook(principal=_caller(request), webhook=each.id)
        self.message_user(request, "The test event is queued; see Deliveries.", messages.SUCCESS)

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for each in queryset:
            operations.pause_webhook(principal=_caller(request), webhook=each.id)

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for each in queryset:
            operations.resume_webhook(principal=_caller(request), webhook=each.id)

    @admin.action(description="Replace the secret (both are used for a day)", permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for each in queryset:
            row = operations.rotate_secret(
                principal=_caller(request), webhook=each.id, overlap_hours=OVERLAP_HOURS
            )
            _show_secret(request, row)


@admin.register(Delivery)
class DeliveryAdmin(LongList, ModelAdmin):
    list_display = (
        "recorded_at", "webhook", "type", "subject", "state", "attempts", "status", "error", "duration_ms",
    )  # fmt: skip
    list_select_related = ("webhook",)
    list_filter = (choice_filter("state", DeliveryState),)
    search_fields = ("=type", "=subject")
    actions = ("replay",)

    @admin.action(description="Send again", permissions=["view"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        if not request.user.has_perm("events.change_webhook"):
            self.message_user(request, "You may not change webhooks.", messages.ERROR)
            return
        for each in queryset:
            try:
                operations.replay_delivery(
                    principal=_caller(request), webhook=each.webhook_id, delivery=each.id
                )
            except LiftosError as error:
                self.message_user(request, error.message, messages.ERROR)
                return
        self.message_user(request, "Queued again.", messages.SUCCESS)


def _caller(request: HttpRequest) -> Principal:
    """Return the signed-in person as a caller, with its scopes in the open organisation."""
    organisation, actor = opened(request), staff_actor(request)
    scopes = scopes_now(organisation=organisation.id, actor=actor)
    return Principal(organisation.id, organisation.slug, actor, scopes)


def _show_secret(request: HttpRequest, row: Webhook) -> None:
    secret = secret_of(row.organisation_id, row.id, row.salt)
    messages.success(request, f"The secret of {row.url}, shown this once: {secret}")
