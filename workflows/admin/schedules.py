"""Schedules and their ticks."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm, ValidationError
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from liftos.kernel.admin.parts import CheckedLists, LongList, OptionalObject, choice_filter
from liftos.kernel.errors import LiftosError
from liftos.kernel.tenancy.types import Principal
from workflows.admin.shared import caller_of
from workflows.definition import Faulty
from workflows.models import Schedule, Tick
from workflows.schedules import operations
from workflows.schedules.operations import FIELDS, ScheduleDraft, check_draft
from workflows.schedules.queries import database_now, next_ticks
from workflows.types import TickState


class ScheduleForm(ModelForm):
    """A schedule; what is invalid is shown at its field."""

    principal: Principal | None = None
    parameters = OptionalObject(help_text="May refer to {tick.at}, {tick.local} and {tick.date}.")

    class Meta:
        model = Schedule
        fields = FIELDS
        help_texts = {
            "cron": "Minute, hour, day of the month, month, weekday: 0 9 * * MON-FRI.",
            "timezone": "Whose clock counts: Europe/Berlin.",
            "template": "The name of a published template.",
            "overlap": "While the run before it is open: start none, wait, or cancel it.",
            "catch_up": "Which ticks that were missed during a downtime are run.",
            "jitter_seconds": "Runs start up to so much later, so that not all start at once.",
        }

    def draft(self) -> ScheduleDraft:
        """Return what the form asks for."""
        values = {name: self.cleaned_data[name] for name in FIELDS}
        return ScheduleDraft(**values | {"parameters": values["parameters"] or {}})

    def clean(self) -> dict[str, Any]:
        """Check the schedule as the API does."""
        if self.errors or self.principal is None:
            return self.cleaned_data
        others = Schedule.objects.filter(name=self.cleaned_data["name"]).exclude(pk=self.instance.pk)
        if others.exists():
            raise ValidationError({"name": "This name is taken."})
        try:
            check_draft(self.principal, self.draft(), now=database_now())
        except Faulty as error:
            raise ValidationError({"parameters": [str(fault) for fault in error.faults]}) from error
        except LiftosError as error:
            field = str(error.loc[0]) if error.loc else "template"
            raise ValidationError({field if field in self.fields else "template": error.message}) from error
        return self.cleaned_data


@admin.register(Schedule)
class ScheduleAdmin(CheckedLists, ModelAdmin):
    """Schedules; each change is a decision and gives the schedule the authority of whoever made it."""

    form = ScheduleForm
    list_display = ("name", "cron", "timezone", "template", "state", "next_run", "overlap")
    search_fields = ("name", "template")
    ordering = ("name",)
    actions = ("pause", "resume")

    def get_fields(self, request: HttpRequest, obj: Schedule | None = None) -> list[str]:
        return [*FIELDS, *(["next_runs"] if obj else [])]

    def get_readonly_fields(self, request: HttpRequest, obj: Schedule | None = None) -> list[str]:
        return ["next_runs"] if obj else []

    @admin.display(description="State")
    def state(self, schedule: Schedule) -> str:
        return "paused" if schedule.paused_at else "active"

    @admin.display(description="Next run")
    def next_run(self, schedule: Schedule) -> str:
        return next((f"{each:%a %Y-%m-%d %H:%M %Z}" for each in next_ticks(schedule, now=database_now())), "")

    @admin.display(description="Next runs")
    def next_runs(self, schedule: Schedule) -> SafeString | str:
        times = next_ticks(schedule, now=database_now())
        shown = format_html_join("", "<li>{}</li>", ((f"{each:%a %Y-%m-%d %H:%M %Z}",) for each in times))
        return shown or "None: it is paused."

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and getattr(request, "organisation", None) is not None

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        if getattr(request, "organisation", None) is not None:
            form.principal = caller_of(request)
        return form

    def save_model(self, request: HttpRequest, obj: Schedule, form: ScheduleForm, change: bool) -> None:
        draft = form.draft()
        if change:
            changes = {name: getattr(draft, name) for name in form.changed_data if name in FIELDS}
            if changes:
                operations.change_schedule(principal=caller_of(request), schedule=obj.id, changes=changes)
            return
        made = operations.create_schedule(principal=caller_of(request), draft=draft)
        for field in made._meta.concrete_fields:
            setattr(obj, field.attname, getattr(made, field.attname))
        obj._state.adding = False

    def delete_model(self, request: HttpRequest, obj: Schedule) -> None:
        operations.delete_schedule(principal=caller_of(request), schedule=obj.id)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        for each in queryset:
            self.delete_model(request, each)

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        for each in queryset:
            operations.set_paused(principal=caller_of(request), schedule=each.id, paused=True)

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> None:
        for each in queryset:
            operations.set_paused(principal=caller_of(request), schedule=each.id, paused=False)


@admin.register(Tick)
class TickAdmin(LongList, ModelAdmin):
    list_display = ("due_at", "schedule", "state", "reason", "missed", "run_id")
    list_filter = (choice_filter("state", TickState),)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tick]:
        return super().get_queryset(request).select_related("schedule")
