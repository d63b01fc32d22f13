"""Triggers and their firings."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm, ValidationError
from django.http import HttpRequest
from pydantic import ValidationError as InvalidShape
from unfold.admin import ModelAdmin

from liftos.kernel.admin.parts import CheckedLists, LongList, OptionalObject, choice_filter
from liftos.kernel.errors import LiftosError
from liftos.kernel.tenancy.types import Principal
from workflows.admin.shared import caller_of
from workflows.models import Firing, Trigger
from workflows.triggers import operations
from workflows.triggers.operations import FIELDS, TriggerDraft, check_draft
from workflows.types import FiringState


class TriggerForm(ModelForm):
    """A trigger; what is invalid is shown at its field."""

    principal: Principal | None = None
    conditions = OptionalObject(help_text="All must hold; without any, every such event fires the trigger.")
    parameters = OptionalObject(
        help_text="May refer to {event.subject}, {event.data.x}, {memory.content}, {memory.metadata.x}."
    )

    class Meta:
        model = Trigger
        fields = FIELDS

    def draft(self) -> TriggerDraft:
        """Return what the form asks for."""
        values = {name: self.cleaned_data[name] for name in FIELDS}
        return TriggerDraft(**values | {name: values[name] or {} for name in ("conditions", "parameters")})

    def clean(self) -> dict[str, Any]:
        """Check the trigger as the API does."""
        if self.errors or self.principal is None:
            return self.cleaned_data
        others = Trigger.objects.filter(name=self.cleaned_data["name"]).exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError({"name": "This name is taken."})
        try:
            check_draft(self.principal, self.draft())
        except InvalidShape as error:
            first = error.errors(include_context=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise ValidationError({"conditions": f"{place} {first['msg']}".strip()}) from error
        except LiftosError as error:
            field = str(error.loc[0]) if error.loc else "template"
            raise ValidationError({field if field in self.fields else "template": error.message}) from error
        return self.cleaned_data


@admin.register(Trigger)
class TriggerAdmin(CheckedLists, ModelAdmin):
    """Triggers; each change is a decision and gives the trigger the authority of whoever made it."""

    form = TriggerForm
    list_display = ("name", "event", "template", "state", "recorded_at")
    search_fields = ("name",)
    ordering = ("name",)
    actions = ("pause", "resume")

    @admin.display(description="State")
    def state(self, trigger: Trigger) -> str:
        return "paused" if trigger.paused_at else "active"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and getattr(request, "organisation", None) is not None

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        if getattr(request, "organisation", None) is not None:
            form.principal = caller_of(request)
        return form

    def save_model(self, request: HttpRequest, obj: Trigger, form: TriggerForm, change: bool) -> None:
        draft = form.draft()
        if change:
            changes = {name: getattr(draft, name) for name in form.changed_data if name in FIELDS}
            if changes:
                operations.change_trigger(principal=caller_of(request), trigger=obj.id, changes=changes)
            return
        made = operations.create_trigger(principal=caller_of(request), draft=draft)
        for field in made._meta.concrete_fields:
            setattr(obj, field.attname, getattr(made, field.attname))
        obj._state.adding = False

    def delete_model(self, request: HttpRequest, obj: Trigger) -> None:
        operations.delete_trigger(principal=caller_of(request), trigger=obj.id)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Trigger]) -> None:
        for each in queryset:
            self.delete_model(request, each)

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Trigger]) -> None:
        for each in queryset:
            operations.set_paused(principal=caller_of(request), trigger=each.id, paused=True)

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Trigger]) -> None:
        for each in queryset:
            operations.set_paused(principal=caller_of(request), trigger=each.id, paused=False)


@admin.register(Firing)
class FiringAdmin(LongList, ModelAdmin):
    list_display = ("recorded_at", "trigger", "type", "subject", "state", "reason", "run_id")
    list_filter = (choice_filter("state", FiringState),)
    search_fields = ("=type", "=subject")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Firing]:
        return super().get_queryset(request).select_related("trigger")
