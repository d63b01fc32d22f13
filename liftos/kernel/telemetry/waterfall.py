"""Waterfall chart of a trace: one bar per span, children below their parents. The markup is a template."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

# defined for the light and the dark theme in liftos/admin.css
COLOURS = {"ok": "var(--drawn-violet)", "error": "var(--drawn-red)"}


def draw_waterfall(spans: Sequence[dict[str, Any]], duration_ms: float) -> SafeString:
    """Return the chart as HTML.

    Args:
        spans: as in `TraceRecord`, with `start_ns` since the start of the trace.
        duration_ms: of the whole trace.
    """
    whole = max(duration_ms * 1e6, 1)
    bars = [_bar(depth, span, whole) for depth, span in in_tree_order(spans)]
    return render_to_string("observability/waterfall.html", {"bars": bars})


def _bar(depth: int, span: dict[str, Any], whole: float) -> dict[str, str]:
    left = min(100, max(0, span["start_ns"] / whole * 100))
    width = min(100 - left, span["duration_ns"] / whole * 100)
    tags = ", ".join(f"{key}: {value}" for key, value in span["tags"].items())
    return {
        "title": f"{span['error_type']} {tags}".strip(),
        "indent": str(min(depth, 12) * 1.2),
        "name": f"{span['name']} (failed)" if span["status"] == "error" else span["name"],
        "took": f"{span['duration_ns'] / 1e6:.2f}",
        "left": f"{left:.2f}",
        "width": f"{width:.2f}",
        "colour": COLOURS.get(span["status"], COLOURS["ok"]),
    }


def in_tree_order(spans: Sequence[dict[str, Any]]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each span with its depth, parents before their children; `spans` are sorted by start."""
    known = {span["span_id"] for span in spans}
    children: dict[str, list[dict[str, Any]]] = {}
    for span in spans:
        children.setdefault(span["parent_id"] if span["parent_id"] in known else "", []).append(span)
    waiting = [(0, span) for span in reversed(children.get("", []))]
    while waiting:
        depth, span = waiting.pop()
        yield depth, span
        waiting.extend((depth + 1, child) for child in reversed(children.get(span["span_id"], [])))
