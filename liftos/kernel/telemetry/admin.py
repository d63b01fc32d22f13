"""Stored traces in the admin: read-only, each shown as a waterfall chart."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from liftos.kernel.admin.parts import LongList, drawn_as
from liftos.kernel.telemetry.models import TraceRecord
from liftos.kernel.telemetry.waterfall import draw_waterfall


@admin.register(TraceRecord)
class TraceRecordAdmin(LongList, ModelAdmin):
    list_display = ("started_at", "name", "status", "duration", "correlation_id", "trace_id")
    list_filter = ("status",)
    search_fields = ("=trace_id", "=correlation_id")
    search_help_text = "Whole trace id or correlation id"
    fields = ("name", "waterfall", "status", "duration", "started_at", "trace_id", "correlation_id")
    readonly_fields = ("waterfall", "duration")

    @admin.display(description="ms", ordering="duration_ms")
    def duration(self, record: TraceRecord) -> str:
        return f"{record.duration_ms:.2f}"

    @drawn_as("Trace")
    def waterfall(self, record: TraceRecord) -> SafeString:
        """Return the waterfall chart."""
        return draw_waterfall(record.spans, record.duration_ms)

    def get_queryset(self, request: HttpRequest) -> Any:
        found = super().get_queryset(request)
        match = request.resolver_match
        # a page of the list would read a megabyte of spans that it does not show
        return found.defer("spans") if match and str(match.url_name).endswith("_changelist") else found
