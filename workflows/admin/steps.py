"""Steps that need attention: dead letters (failed after all retries), and steps awaiting approval."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.parts import LongList, as_text, drawn_as, table
from liftos.kernel.errors import LiftosError
from workflows.admin.shared import duration_between, has_permission, record_link, show_message
from workflows.models import Step, Transition
from workflows.runs import controls
from workflows.types import StepStatus

SHOWN_TRANSITIONS = 100
DEAD, WAITING, ALL = "dead", "approval", "all"


class _Needs(admin.SimpleListFilter):
    """The steps to list; by default the dead letters, which nothing else reports."""

    title = "needs"
    parameter_name = "needs"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(WAITING, "approval"), (ALL, "all steps")]

    def choices(self, changelist: Any) -> Any:
        for each in super().choices(changelist):
            yield each | ({"display": "dead letters"} if each["display"] == "All" else {})

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == ALL:
            return queryset
        return queryset.filter(
            status=StepStatus.AWAITING_APPROVAL if self.value() == WAITING else StepStatus.FAILED
        )


@admin.register(Step)
class StepAdmin(LongList, ModelAdmin):
    list_display = ("__str__", "of_run", "function", "status", "what_failed", "attempt", "finished_at")
    list_filter = (_Needs,)
    search_fields = ("=id", "=run__id", "=name")
    search_help_text = "Full id of the step or its run, or the step's name"
    actions = ("run_again",)
    readonly_fields = (
        "of_run",
        "what_failed",
        "whole_result",
        "whole_error",
        "decided",
        "record",
        "duration",
        "history",
    )
    fields = (
        "of_run", "name", "item", "function", "status", "what_failed", "priority", "attempt", "retries", "lost", "worker", "run_at",
        "started_at", "finished_at", "duration", "whole_error", "whole_result", "decided", "record", "history",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Step]:
        # results may be megabytes large; only a step's own page reads its result
        return super().get_queryset(request).select_related("run").defer("result", "value")

    def has_steer_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may run the action below."""
        return has_permission(request, "change_run")

    @admin.action(description="Rerun their runs from failure", permissions=["steer"])
    def run_again(self, request: HttpRequest, queryset: QuerySet[Step]) -> None:
        organisation = opened(request).id
        for run in dict.fromkeys(queryset.values_list("run_id", flat=True)):
            try:
                controls.rerun(organisation=organisation, by=staff_actor(request), run=run)
            except LiftosError as error:
                show_message(request, f"Run {run}: {error.message}", error=True)
            else:
                show_message(request, f"Run {run} restarted from the failed steps.")

    @admin.display(description="Run")
    def of_run(self, step: Step) -> SafeString:
        page = reverse("admin:workflows_run_change", args=[step.run_id])
        return format_html('<a href="{}">{}</a>', page, step.run.name)

    @admin.display(description="Error message", empty_value="")
    def what_failed(self, step: Step) -> str | None:
        return step.error.get("message") if isinstance(step.error, dict) else None

    @drawn_as("Error")
    def whole_error(self, step: Step) -> SafeString:
        return as_text(step.error)

    @drawn_as("Result")
    def whole_result(self, step: Step) -> SafeString:
        return as_text(step.result)

    @drawn_as("Approval")
    def decided(self, step: Step) -> SafeString:
        return as_text(step.approval)

    def record(self, step: Step) -> SafeString | str:
        return record_link(step.decision_id)

    def duration(self, step: Step) -> str:
        return duration_between(step.started_at, step.finished_at)

    @drawn_as("History")
    def history(self, step: Step) -> SafeString:
        """The latest state transitions."""
        rows = Transition.objects.filter(
            organisation_id=step.organisation_id, run_id=step.run_id, step=step
        ).order_by("-id")[:SHOWN_TRANSITIONS]
        return table(
            ("time", "transition", "attempt", "reason", "worker"),
            (
                (f"{each.at:%Y-%m-%d %H:%M:%S.%f}", str(each), each.attempt or "", each.reason, each.worker)
                for each in rows
            ),
            label="State transitions",
        )
