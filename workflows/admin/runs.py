"""Runs: the graph with states and durations, the steps, the history and the controls."""

from collections import Counter, defaultdict
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Cast, Left, Now
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.parts import LongList, as_text, choice_filter, drawn_as, table
from liftos.kernel.errors import LiftosError
from workflows.admin.diagram import Node, draw
from workflows.admin.shared import (
    buttons,
    duration_between,
    has_permission,
    record_link,
    show_message,
    typed_reason,
)
from workflows.definition import load
from workflows.models import Run, Step, Transition
from workflows.runs import controls
from workflows.types import NOT_AN_ITEM, RunStatus, StepStatus

SHOWN_RESULT = 4_000
SHOWN_LINE = 60
SHOWN_STEPS = 1_000
SHOWN_TRANSITIONS = 100
CONTROLS = {
    "cancel": ("Cancel", (RunStatus.PENDING, RunStatus.RUNNING, RunStatus.PAUSED), "Run cancelled."),
    "pause": ("Pause", (RunStatus.RUNNING,), "Run paused. Running steps will finish."),
    "resume": ("Resume", (RunStatus.PAUSED,), "Run resumed."),
    "rerun": ("Rerun from failure", (RunStatus.FAILED, RunStatus.CANCELLED), "Run restarted from the failed steps."),
}  # fmt: skip


@admin.register(Run)
class RunAdmin(LongList, ModelAdmin):
    list_display = ("name", "status", "progress", "created_at", "duration", "who")
    search_fields = ("=id", "=code", "name")
    search_help_text = "Full id, last 16 digits of a workflow id, or part of a name"
    list_filter = (choice_filter("status", RunStatus),)
    readonly_fields = (
        "controls",
        "picture",
        "steps_of_run",
        "given",
        "carried",
        "template",
        "record",
        "who",
        "parent",
        "children",
        "history",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        shown = [
            "picture", "steps_of_run", "template", "status", "given", "carried", "who", "created_at", "started_at",
            "finished_at", "parent", "children", "record", "correlation_id", "history",
        ]  # fmt: skip
        return ["controls", *shown] if has_permission(request, "change_run") else shown

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        steps = Step.objects.filter(
            organisation_id=OuterRef("organisation_id"), run=OuterRef("pk"), item=NOT_AN_ITEM
        )
        # a subquery, so that only the page's rows are counted
        counted = Subquery(steps.order_by().values("run").annotate(count=Count("id")).values("count"))
        return super().get_queryset(request).select_related("version__template").annotate(_steps=counted)

    @admin.display(description="Steps ended")
    def progress(self, run: Any) -> str:
        count = run._steps or 0
        return f"{count - run.open_steps} of {count}" + (
            f", {run.failed_steps} failed" if run.failed_steps else ""
        )

    def duration(self, run: Run) -> str:
        return duration_between(run.started_at, run.finished_at)

    @admin.display(description="Started by")
    def who(self, run: Run) -> str:
        return run.on_behalf_of or f"{run.actor_kind} {run.actor_id}"

    @drawn_as("Actions")
    def controls(self, run: Run) -> SafeString | str:
        """The buttons for what the run's status allows."""
        actions = [
            (_address(run, how), label)
            for how, (label, allowed, _) in CONTROLS.items()
            if run.status in allowed
        ]
        waiting = Step.objects.filter(
            organisation_id=run.organisation_id,
            run=run,
            status=StepStatus.AWAITING_APPROVAL,
            item=NOT_AN_ITEM,
        ).order_by("position")
        for name in waiting.values_list("name", flat=True)[:20]:
            actions.append((_address(run, "approve", name), f"Approve {name}"))
            actions.append((_address(run, "refuse", name), f"Refuse {name}"))
        return buttons(actions, reason=True)

    @drawn_as("Steps")
    def picture(self, run: Run) -> SafeString | str:
        """The run's graph: each step with its status and duration."""
        steps = _steps(run)
        items = _items(run)
        definition = load(run.version.definition) if run.version else None
        needs = {step.name: step.depends_on for step in definition.steps} if definition else {}
        nodes = [
            Node(
                step.name,
                needs.get(step.name, ()),
                StepStatus(step.status),
                _note(step, items[step.name]),
                f"{step.name}: {step.function or 'no function'}, {step.status}"
                + (f". {_message(step)}" if step.error else ""),
            )
            for step in steps
        ]
        label = f"Run of {len(nodes)} steps, {run.status}"
        return draw(nodes, label=label, link=lambda name: f"#step-{name}")

    @drawn_as("Step details")
    def steps_of_run(self, run: Run) -> SafeString:
        """The steps with their attempts, results and errors."""
        items = _items(run)
        return table(
            ("step", "function", "status", "attempts", "duration", "result or error", "record"),
            (
                (
                    (f"step-{step.name}", step.name),
                    step.function,
                    step.status + _counted(items[step.name]),
                    step.attempt,
                    duration_between(step.started_at, step.finished_at),
                    _message(step) if step.error else _result(step),
                    record_link(step.decision_id),
                )
                for step in _steps(run)
            ),
            label="Steps",
        )

    @admin.display(description="Template")
    def template(self, run: Run) -> SafeString | str:
        """The version that the run follows."""
        if run.version is None:
            return "none"
        page = reverse("admin:workflows_template_change", args=[run.version.template_id])
        return format_html(
            '<a href="{}">{}, version {}</a>', page, run.version.template.name, run.version.number
        )

    @admin.display(description="Parent run")
    def parent(self, run: Run) -> SafeString | str:
        """The run whose step started this one."""
        return "none" if run.parent_id is None else _link(run.parent_id, str(run.parent_id))

    @drawn_as("Child runs")
    def children(self, run: Run) -> SafeString | str:
        """The runs that this one's steps started."""
        rows = Run.objects.filter(organisation_id=run.organisation_id, parent_id=run.id).order_by("id")[
            :SHOWN_STEPS
        ]
        shown = format_html_join(
            "", "<li>{}</li>", ((_link(each.id, f"{each.name}, {each.status}"),) for each in rows)
        )
        return shown or "none"

    @drawn_as("Parameters")
    def given(self, run: Run) -> SafeString:
        return as_text(run.parameters)

    @drawn_as("Metadata")
    def carried(self, run: Run) -> SafeString:
        return as_text(run.metadata)

    def record(self, run: Run) -> SafeString | str:
        return record_link(run.decision_id)

    @drawn_as("History")
    def history(self, run: Run) -> SafeString:
        """The latest state transitions."""
        rows = (
            Transition.objects.filter(organisation_id=run.organisation_id, run=run)
            .select_related("step").order_by("-id")[:SHOWN_TRANSITIONS]
        )  # fmt: skip
        return table(
            ("time", "step", "transition", "attempt", "reason", "worker"),
            (
                (f"{each.at:%Y-%m-%d %H:%M:%S.%f}", str(each.step) if each.step else "(run)", str(each), each.attempt or "", each.reason, each.worker)
                for each in rows
            ),
            label="State transitions",
        )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        steer = self.admin_site.admin_view(self.steer)
        return [
            path("<id:run>/do/<slug:how>/", steer, name="workflows_run_steer"),
            path("<id:run>/do/<slug:how>/<slug:step>/", steer, name="workflows_run_steer_step"),
            *super().get_urls(),
        ]

    def steer(self, request: HttpRequest, run: Any, how: str, step: str = "") -> HttpResponse:
        """Apply a control, recorded as the signed-in person's."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not has_permission(request, "change_run"):
            raise PermissionDenied
        arguments: dict[str, Any] = {
            "organisation": opened(request).id,
            "by": staff_actor(request),
            "run": run,
            "reason": typed_reason(request),
        }
        try:
            if step and how in ("approve", "refuse"):
                controls.approve(**arguments, step=step, approved=how == "approve")
                show_message(request, f"Step {step} {'approved' if how == 'approve' else 'refused'}.")
            elif not step and how in CONTROLS:
                getattr(controls, how)(**arguments)
                show_message(request, CONTROLS[how][2])
            else:
                show_message(request, "Unknown action.", error=True)
        except LiftosError as error:
            show_message(request, error.message, error=True)
        return HttpResponseRedirect(reverse("admin:workflows_run_change", args=[run]))


def _link(run: Any, text: str) -> SafeString:
    return format_html('<a href="{}">{}</a>', reverse("admin:workflows_run_change", args=[run]), text)


def _address(run: Run, how: str, step: str = "") -> str:
    if step:
        return reverse("admin:workflows_run_steer_step", args=[run.pk, how, step])
    return reverse("admin:workflows_run_steer", args=[run.pk, how])


def _steps(run: Run) -> list[Any]:
    """Return a run's steps, with only the beginning of each result, which may be large."""
    rows = Step.objects.filter(organisation_id=run.organisation_id, run=run, item=NOT_AN_ITEM)
    shown = Left(Cast("result", TextField()), SHOWN_RESULT + 1)
    return list(
        rows.defer("result", "value").annotate(shown=shown, now=Now()).order_by("position")[:SHOWN_STEPS]
    )


def _items(run: Run) -> defaultdict[str, Counter[str]]:
    """Return the number of items by status, for each step that maps over a list."""
    rows = Step.objects.filter(organisation_id=run.organisation_id, run=run, item__gt=NOT_AN_ITEM)
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, status, count in rows.values_list("name", "status").annotate(Count("id")):
        found[name][status] = count
    return found


def _counted(items: Counter[str]) -> str:
    return f" ({', '.join(f'{count} {status}' for status, count in sorted(items.items()))})" if items else ""


def _note(step: Any, items: Counter[str]) -> str:
    parts = [step.status.replace("_", " ")]
    if items:
        parts.append(f"{items['done']} of {items.total()}")
    if duration := duration_between(
        step.started_at, step.finished_at or (step.now if step.status == "running" else None)
    ):
        parts.append(duration)
    if step.attempt > 1:
        parts.append(f"{step.attempt} attempts")
    return " · ".join(parts)


def _message(step: Any) -> str:
    error = step.error if isinstance(step.error, dict) else {"message": str(step.error)}
    return f"{error.get('type', 'error')}: {error.get('message', '')}"


def _result(step: Any) -> SafeString | str:
    if step.shown is None:
        return ""
    text = step.shown if len(step.shown) <= SHOWN_RESULT else f"{step.shown[:SHOWN_RESULT]}…"
    return format_html(
        '<details style="min-width: 16em"><summary style="cursor: pointer">{}</summary>'
        '<code style="white-space: pre-wrap; word-break: break-word">{}</code></details>',
        text if len(text) <= SHOWN_LINE else f"{text[: SHOWN_LINE - 1]}…",
        text,
    )
