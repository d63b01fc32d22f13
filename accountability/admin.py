"""Decision records in the admin: read-only, as the table is."""

import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from accountability.chains import get_chain
from accountability.models import DecisionRecord
from accountability.queries import DecisionNotFound
from accountability.verification import check_record
from liftos.admin import ReadOnly, UncountedPaginator

ERASED = "erased"
WHERE = (
    "id", "decision_point", "subject_kind", "subject_id", "risk_class", "effect", "actor_kind", "actor_id",
    "on_behalf_of", "versions", "correlation_id", "trace_id", "span_id", "started_at", "ended_at", "recorded_at",
)  # fmt: skip


def _payload(record: DecisionRecord) -> dict[str, Any]:
    try:
        return record.payload.values
    except ObjectDoesNotExist:
        return {}


def as_text(value: Any) -> SafeString:
    """Return JSON laid out for people."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre style="white-space: pre-wrap; word-break: break-word">{}</pre>', text)


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
    readonly_fields = ("reasoning", "proof", "chain", "inputs", "memories", "outputs", "alternatives")
    fieldsets = (
        (None, {"fields": ("operation", "reasoning", "confidence", "confidence_method", "proof", "chain")}),
        ("From what, and what came of it", {"fields": ("inputs", "memories", "outputs", "alternatives")}),
        ("Who, when and where", {"fields": WHERE}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[DecisionRecord]:
        return super().get_queryset(request).select_related("payload")

    def reasoning(self, record: DecisionRecord) -> str:
        return _payload(record).get("reasoning", ERASED)

    @admin.display(description="Memories used")
    def memories(self, record: DecisionRecord) -> SafeString:
        return as_text(_payload(record).get("memories", ERASED))

    def inputs(self, record: DecisionRecord) -> SafeString:
        return as_text(_payload(record).get("inputs", ERASED))

    def outputs(self, record: DecisionRecord) -> SafeString:
        return as_text(_payload(record).get("outputs", ERASED))

    @admin.display(description="Considered, and not chosen")
    def alternatives(self, record: DecisionRecord) -> SafeString:
        return as_text(_payload(record).get("alternatives", ERASED))

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
