"""Decision records in the admin: read-only, as the table is."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, StackedInline

from accountability.chains import get_chain
from accountability.models import DecisionPayload, DecisionRecord
from accountability.queries import DecisionNotFound
from accountability.verification import check_record
from liftos.admin import ReadOnly, UncountedPaginator


def as_text(value: Any) -> SafeString:
    """Return JSON laid out for people."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre style="white-space: pre-wrap; word-break: break-word">{}</pre>', text)


class PayloadInline(ReadOnly, StackedInline):
    model = DecisionPayload
    verbose_name = verbose_name_plural = "why, and from what"
    fields = ("reasoning", "inputs", "outputs", "alternatives", "memories")
    readonly_fields = fields
    can_delete = False

    def reasoning(self, payload: DecisionPayload) -> str:
        return payload.values["reasoning"]

    def inputs(self, payload: DecisionPayload) -> SafeString:
        return as_text(payload.values["inputs"])

    def outputs(self, payload: DecisionPayload) -> SafeString:
        return as_text(payload.values["outputs"])

    def alternatives(self, payload: DecisionPayload) -> SafeString:
        return as_text(payload.values["alternatives"])

    def memories(self, payload: DecisionPayload) -> SafeString:
        return as_text(payload.values["memories"])


@admin.register(DecisionRecord)
class DecisionRecordAdmin(ReadOnly, ModelAdmin):
    list_display = (
        "recorded_at",
        "operation",
        "effect",
        "actor_kind",
        "on_behalf_of",
        "confidence",
        "correlation_id",
    )
    list_filter = ("effect", "risk_class", "actor_kind")
    search_fields = ("=correlation_id", "=operation", "=subject_id")
    search_help_text = "Whole correlation id, operation or subject id"
    ordering = ("-id",)
    show_full_result_count = False
    paginator = UncountedPaginator
    inlines = (PayloadInline,)
    readonly_fields = ("proof", "chain")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        hidden = {"organisation", "payload_commitment", "parents"}
        fields = [field.name for field in DecisionRecord._meta.concrete_fields if field.name not in hidden]
        return ["operation", "proof", "chain", *(name for name in fields if name != "operation")]

    @admin.display(description="In the log")
    def proof(self, record: DecisionRecord) -> str:
        """Verify the record against the signed log, here and now."""
        return check_record(record.organisation_id, record.pk).text

    @admin.display(description="Chain")
    def chain(self, record: DecisionRecord) -> SafeString | str:
        """The decisions this one follows from, and those that follow from it."""
        try:
            chain = get_chain(organisation=record.organisation_id, decision=record.pk, limit=50)
        except DecisionNotFound:
            return "-"
        return format_html_join(
            "",
            '<div style="padding-left: {}em">{} <a href="{}">{}</a></div>',
            (
                (
                    2 * abs(step.distance),
                    "→" if step.distance > 0 else "←" if step.distance < 0 else "•",
                    reverse("admin:accountability_decisionrecord_change", args=[step.decision.id]),
                    f"{step.decision.operation} {step.decision.recorded_at:%Y-%m-%d %H:%M:%S}",
                )
                for step in chain
            ),
        )
