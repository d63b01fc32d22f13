"""The admin of retention rules and legal holds."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.forms import ModelForm, ValidationError
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.parts import CheckedLists
from memory.holds.operations import place_hold, release_hold
from memory.holds.types import HoldDraft
from memory.models import LegalHold, RetentionRule
from memory.retention.operations import drop_rule, set_rule
from memory.retention.types import RetentionAction, RuleDraft


class _NamedOnce(ModelForm):
    """A form whose name no other row of the organisation has."""

    organisation: UUID

    def clean_name(self) -> str:
        """Return the name."""
        name: str = self.cleaned_data["name"]
        others = type(self.instance)._default_manager.filter(organisation_id=self.organisation, name=name)
        if others.exclude(pk=self.instance.pk).exists():
            raise ValidationError("This name is taken.")
        return name


class _OnRecord(CheckedLists, ModelAdmin):
    """Rows whose changes are decisions."""

    form = _NamedOnce
    search_fields = ("name",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Require an open organisation."""
        return super().has_add_permission(request) and getattr(request, "organisation", None) is not None

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        form.organisation = getattr(getattr(request, "organisation", None), "id", None)
        return form

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for each in queryset:
            self.delete_model(request, each)


@admin.register(RetentionRule)
class RetentionRuleAdmin(_OnRecord):
    """Retention rules."""

    fields = ("name", "memory_type", "source", "ttl_seconds", "action")
    list_display = fields

    def save_model(self, request: HttpRequest, obj: RetentionRule, form: ModelForm, change: bool) -> None:
        row, _ = set_rule(
            organisation=opened(request).id,
            by=staff_actor(request),
            draft=RuleDraft(
                obj.name,
                obj.ttl_seconds,
                RetentionAction(obj.action),
                obj.memory_type,
                obj.source,
                obj.of_scope,
            ),
            rule=obj.id if change else None,
        )
        _become(obj, row)

    def delete_model(self, request: HttpRequest, obj: RetentionRule) -> None:
        drop_rule(organisation=opened(request).id, by=staff_actor(request), rule=obj.id)


@admin.register(LegalHold)
class LegalHoldAdmin(_OnRecord):
    """Legal holds: placed and released, never changed."""

    fields = ("name", "reason", "memory_type", "source", "memories")
    list_display = ("name", "reason", "memory_type", "source", "recorded_at")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: release the hold and place another."""
        return False

    def save_model(self, request: HttpRequest, obj: LegalHold, form: ModelForm, change: bool) -> None:
        row, _ = place_hold(
            organisation=opened(request).id,
            by=staff_actor(request),
            draft=HoldDraft(
                obj.name, obj.reason, obj.memory_type, obj.source, tuple(obj.memories or ()), obj.of_scope
            ),
        )
        _become(obj, row)

    def delete_model(self, request: HttpRequest, obj: LegalHold) -> None:
        release_hold(organisation=opened(request).id, by=staff_actor(request), hold=obj.id)


def _become(shown: Model, written: Model) -> None:
    """Give the form's object the values of the row that was written in its place."""
    for field in written._meta.concrete_fields:
        setattr(shown, field.attname, getattr(written, field.attname))
    shown._state.adding = False
