"""A trace as a picture: a bar for each span, children below and within their parents."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

# liftos/admin.css has each for the light and for the dark theme
COLOURS = {"ok": "var(--drawn-violet)", "error": "var(--drawn-red)"}


def draw_waterfall(spans: Sequence[dict[str, Any]], duration_ms: float) -> SafeString:
    """Return the picture as HTML.

    Args:
        spans: as in `TraceRecord`, `start_ns` since the trace began.
        duration_ms: of the whole trace.
    """
    rows = format_html_join(
        "",
        '<div role="row" style="display: flex; gap: 8px; align-items: center; line-height: 1.9" title="{}">'
        '<span role="cell" style="flex: 0 0 20em; padding-left: {}em; white-space: nowrap; overflow: hidden;'
        ' text-overflow: ellipsis">{}</span>'
        '<span role="cell" style="flex: 0 0 6em; text-align: right">{} ms</span>'
        '<span aria-hidden="true" style="flex: 1; position: relative; height: 10px">'
        '<span style="position: absolute; left: {}%; width: {}%; min-width: 2px; height: 10px;'
        ' border-radius: 2px; background: {}"></span></span></div>',
        _rows(spans, duration_ms),
    )
    return format_html('<div role="table" aria-label="Spans" style="min-width: 40em">{}</div>', rows)


def _rows(
    spans: Sequence[dict[str, Any]], duration_ms: float
) -> Iterator[tuple[str, float, str, str, str, str, str]]:
    whole = max(duration_ms * 1e6, 1)
    for depth, span in in_tree_order(spans):
        left = min(100, max(0, span["start_ns"] / whole * 100))
        width = min(100 - left, span["duration_ns"] / whole * 100)
        tags = ", ".join(f"{key}: {value}" for key, value in span["tags"].items())
        yield (
            f"{span['error_type']} {tags}".strip(),
            min(depth, 12) * 1.2,
            f"{span['name']} (failed)" if span["status"] == "error" else span["name"],
            f"{span['duration_ns'] / 1e6:.2f}",
            f"{left:.2f}",
            f"{width:.2f}",
            COLOURS.get(span["status"], COLOURS["ok"]),
        )


def in_tree_order(spans: Sequence[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
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
