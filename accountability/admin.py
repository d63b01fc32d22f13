"""Decision records in the admin: read-only, as the table is."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, StackedInline

from accountability.models import DecisionPayload, DecisionRecord
from liftos.admin import ReadOnly, UncountedPaginator


class PayloadInline(ReadOnly, StackedInline):
    model = DecisionPayload
    fields = ("reasoning", "inputs", "outputs", "alternatives", "memories")
    readonly_fields = fields
    can_delete = False


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

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in DecisionRecord._meta.concrete_fields if field.name != "organisation"]
