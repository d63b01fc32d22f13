"""Templates: the editor with its validation errors, the versions and their differences, the graph."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.parts import CheckedLists, UncountedPaginator, drawn_as, table
from liftos.kernel.db.transactions import current_organisation
from liftos.kernel.errors import LiftosError
from liftos.kernel.functions import find_function, function_names
from liftos.kernel.http.parsing import InvalidRequest, parse_json
from liftos.kernel.tenancy.queries import slug_by_id
from workflows.admin.diagram import Node, draw
from workflows.admin.shared import buttons, has_permission, show_message
from workflows.definition import Faulty, load, parse
from workflows.models import Template, TemplateVersion
from workflows.publishing import templates
from workflows.publishing.credentials import check_secrets, masked
from workflows.publishing.differences import Difference, differences
from workflows.queries import list_versions
from workflows.types import VersionStatus

SHOWN_VERSIONS = 20
EXAMPLE = {
    "name": "",
    "description": "",
    "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    "steps": [{"name": "search", "function": "memory.search", "arguments": {"query": "{query}", "limit": 5}}],
}


class TemplateForm(forms.ModelForm):
    payload = forms.CharField(
        label="Definition",
        widget=UnfoldAdminTextareaWidget(
            attrs={"rows": 24, "style": "font-family: monospace", "spellcheck": "false"}
        ),
        help_text="JSON. Saving writes a draft; the published version does not change.",
        max_length=2_000_000,
        strip=False,
    )

    class Meta:
        model = Template
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "payload" in self.fields:
            self.initial.setdefault("payload", _text(masked(self._newest() or EXAMPLE)))

    def _newest(self) -> Any:
        if self.instance._state.adding:
            return None
        versions = list_versions(organisation=self.instance.organisation_id, template=self.instance.id)
        return versions[0].payload if versions else None

    def clean_payload(self) -> Any:
        """Return the parsed JSON."""
        try:
            return parse_json(self.cleaned_data["payload"], loc=())
        except InvalidRequest as error:
            ctx = error.items[0].get("ctx", {})
            raise forms.ValidationError(f"Invalid JSON: {ctx.get('error', error.message)}.") from error

    def clean(self) -> dict[str, Any]:
        """Validate the template; every fault is shown on its own line above the form."""
        if "payload" not in self.cleaned_data:
            return self.cleaned_data
        try:
            definition = parse(self.cleaned_data["payload"], functions=find_function, names=function_names)
            organisation = current_organisation()
            check_secrets("" if organisation is None else slug_by_id(organisation), definition)
        except Faulty as faulty:
            lines = format_html_join("", "<div>{}</div>", ((str(fault),) for fault in faulty.faults))
            raise forms.ValidationError(lines) from faulty
        others = Template.objects.filter(name=definition.name)
        if not self.instance._state.adding:
            others = others.exclude(id=self.instance.id)
        if others.exists():
            raise forms.ValidationError(f"name: A template called {definition.name} already exists.")
        return self.cleaned_data


@admin.register(Template)
class TemplateAdmin(CheckedLists, ModelAdmin):
    form = TemplateForm
    list_display = ("name", "published", "draft", "retired_at")
    search_fields = ("name",)
    ordering = ("name",)
    show_full_result_count = False
    paginator = UncountedPaginator
    readonly_fields = ("controls", "picture", "versions")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Template]:
        is_published = Q(versions__status=VersionStatus.PUBLISHED)
        return (
            super()
            .get_queryset(request)
            .annotate(
                _published=Max("versions__number", filter=is_published),
                _draft=Max("versions__number", filter=Q(versions__status=VersionStatus.DRAFT)),
            )
        )

    @admin.display(description="Published", empty_value="-")
    def published(self, template: Any) -> str | None:
        return None if template._published is None else f"version {template._published}"

    @admin.display(description="Draft", empty_value="-")
    def draft(self, template: Any) -> str | None:
        return None if template._draft is None else f"version {template._draft}"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["payload"]
        shown = ["picture", "versions"]
        if not has_permission(request, "change_template") or obj.retired_at is not None:
            return shown
        return ["controls", *shown, "payload"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and getattr(request, "organisation", None) is not None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # runs refer to their version, so a template can only be retired
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.retired_at is None)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except LiftosError as error:
            # somebody else changed it between validation and saving
            show_message(request, error.message, error=True)
            return HttpResponseRedirect(request.path)

    def save_model(self, request: HttpRequest, obj: Template, form: TemplateForm, change: bool) -> None:
        draft = templates.save_draft(
            organisation=opened(request).id,
            by=staff_actor(request),
            payload=form.cleaned_data["payload"],
            template=obj.pk if change else None,
        )
        obj.pk = draft.template_id
        obj.refresh_from_db()

    @drawn_as("Publish")
    def controls(self, template: Template) -> SafeString | str:
        """The buttons to publish the draft and to retire the template."""
        actions = []
        if TemplateVersion.objects.filter(template=template, status=VersionStatus.DRAFT).exists():
            actions.append((_address(template, "publish"), "Publish the draft"))
        actions.append((_address(template, "retire"), "Retire the template"))
        return buttons(actions, reason=False)

    @drawn_as("Graph of the newest version")
    def picture(self, template: Template) -> SafeString | str:
        """The graph of the newest version."""
        versions = list_versions(organisation=template.organisation_id, template=template.id)[:1]
        if not versions:
            return "-"
        steps = load(versions[0].definition).steps
        nodes = [Node(step.name, step.depends_on, note=step.function, title=_about(step)) for step in steps]
        return draw(nodes, label=f"{template.name}, {len(nodes)} steps", link=lambda name: f"#step-{name}")

    @drawn_as("Versions")
    def versions(self, template: Template) -> SafeString:
        """The versions, each with its differences from the previous one."""
        rows = list_versions(organisation=template.organisation_id, template=template.id)[
            : SHOWN_VERSIONS + 1
        ]
        return table(
            ("version", "status", "written", "published", "changes since the previous version"),
            (
                (
                    row.number, row.status, f"{row.created_at:%Y-%m-%d %H:%M} by {row.author_kind} {row.author_id}",
                    f"{row.published_at:%Y-%m-%d %H:%M} by {row.published_by}" if row.published_at else "",
                    _compared(before, row) if before else "",
                )
                for row, before in zip(rows[:SHOWN_VERSIONS], [*rows[1:], None], strict=False)
            ),
            label="Versions",
        )  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        steer = self.admin_site.admin_view(self.steer)
        return [
            path("<id:template>/do/<slug:how>/", steer, name="workflows_template_steer"),
            *super().get_urls(),
        ]

    def steer(self, request: HttpRequest, template: Any, how: str) -> HttpResponse:
        """Publish or retire the template, recorded as the signed-in person's action."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not has_permission(request, "change_template"):
            raise PermissionDenied
        arguments: dict[str, Any] = {
            "organisation": opened(request).id,
            "by": staff_actor(request),
            "template": template,
        }
        try:
            if how == "publish":
                show_message(request, f"Version {templates.publish(**arguments).number} published.")
            elif how == "retire":
                templates.retire(**arguments)
                show_message(request, "Template retired. It starts no new runs; existing runs continue.")
            else:
                show_message(request, "Unknown action.", error=True)
        except Faulty as faulty:
            for fault in faulty.faults:
                show_message(request, str(fault), error=True)
        except LiftosError as error:
            show_message(request, error.message, error=True)
        return HttpResponseRedirect(reverse("admin:workflows_template_change", args=[template]))


def _address(template: Template, how: str) -> str:
    return reverse("admin:workflows_template_steer", args=[template.pk, how])


def _about(step: Any) -> str:
    parts = [f"{step.name}: {step.function}" + (f"@{step.version}" if step.version else "")]
    if step.map is not None:
        parts.append("for each item")
    if step.when is not None:
        parts.append("conditional")
    if step.approval:
        parts.append("after approval")
    return ", ".join(parts)


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _compared(before: TemplateVersion, after: TemplateVersion) -> SafeString | str:
    found = differences(load(masked(before.definition)), load(masked(after.definition)))
    if not found:
        return "none"
    return render_to_string("workflows/differences.html", {"differences": [_line(each) for each in found]})


def _line(each: Difference) -> dict[str, str | None]:
    where = f"step {each.step}" if each.step else "template"
    if each.kind != "changed":
        return {"where": where, "kind": f"{each.kind} ({each.after or each.before})", "before": None}
    return {"where": f"{where} {each.field}", "before": _short(each.before), "after": _short(each.after)}


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else f"{text[:399]}…"
