"""Kept traces in the admin: read-only, each drawn as a waterfall."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from liftos.admin import ReadOnly, UncountedPaginator
from liftos.observability.models import TraceRecord

COLOURS = {"ok": "#7c3aed", "error": "#dc2626"}


@admin.register(TraceRecord)
class TraceRecordAdmin(ReadOnly, ModelAdmin):
    list_display = ("started_at", "name", "status", "duration", "correlation_id", "trace_id")
    list_filter = ("status",)
    search_fields = ("=trace_id", "=correlation_id")
    search_help_text = "Whole trace id or correlation id"
    ordering = ("-id",)
    show_full_result_count = False
    paginator = UncountedPaginator
    fields = ("name", "waterfall", "status", "duration", "started_at", "trace_id", "correlation_id")
    readonly_fields = ("waterfall", "duration")

    @admin.display(description="ms", ordering="duration_ms")
    def duration(self, record: TraceRecord) -> str:
        return f"{record.duration_ms:.2f}"

    @admin.display(description="Where the time went")
    def waterfall(self, record: TraceRecord) -> SafeString:
        """Draw a bar for each span, children below and within their parents."""
        rows = format_html_join(
            "",
            '<div role="row" style="display: flex; gap: 8px; align-items: center; line-height: 1.9" title="{}">'
            '<span role="cell" style="flex: 0 0 20em; padding-left: {}em; white-space: nowrap; overflow: hidden;'
            ' text-overflow: ellipsis">{}</span>'
            '<span role="cell" style="flex: 0 0 6em; text-align: right">{} ms</span>'
            '<span aria-hidden="true" style="flex: 1; position: relative; height: 10px">'
            '<span style="position: absolute; left: {}%; width: {}%; min-width: 2px; height: 10px;'
            ' border-radius: 2px; background: {}"></span></span></div>',
            _rows(record),
        )
        return format_html('<div role="table" aria-label="Spans" style="min-width: 40em">{}</div>', rows)

    def get_queryset(self, request: HttpRequest) -> Any:
        found = super().get_queryset(request)
        match = request.resolver_match
        # a page of the list would read a megabyte of spans to show none
        return found.defer("spans") if match and str(match.url_name).endswith("_changelist") else found


def _rows(record: TraceRecord) -> Iterator[tuple[str, float, str, str, str, str, str]]:
    whole = max(record.duration_ms * 1e6, 1)
    for depth, span in in_tree_order(record.spans):
        left = min(100, max(0, span["start_ns"] / whole * 100))
        width = min(100 - left, span["duration_ns"] / whole * 100)
        tags = ", ".join(f"{key}: {value}" for key, value in span["tags"].items())
        yield (
            f"{span['error_type']} {tags}".strip(),
            min(depth, 12) * 1.2,
            span["name"],
            f"{span['duration_ns'] / 1e6:.2f}",
            f"{left:.2f}",
            f"{width:.2f}",
            COLOURS.get(span["status"], COLOURS["ok"]),
        )


def in_tree_order(spans: list[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each span with its depth, parents before their children; `spans` stand in the order they began."""
    known = {span["span_id"] for span in spans}
    children: dict[str, list[dict[str, Any]]] = {}
    for span in spans:
        children.setdefault(span["parent_id"] if span["parent_id"] in known else "", []).append(span)
    waiting = [(0, span) for span in reversed(children.get("", []))]
    while waiting:
        depth, span = waiting.pop()
        yield depth, span
        waiting.extend((depth + 1, child) for child in reversed(children.get(span["span_id"], [])))
