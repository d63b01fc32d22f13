"""What several pages of the admin draw: payloads, receipts, filters."""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accountability.models import DecisionRecord

ERASED = "erased"


def payload_of(record: DecisionRecord) -> dict[str, Any]:
    """Return what the record says beside its facts; nothing once that has been erased."""
    try:
        return record.payload.values
    except ObjectDoesNotExist:
        return {}


def drawn_once(draw: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Make a field of a page be drawn once for each row's object: the theme asks five times for what it shows."""

    @wraps(draw)
    def field(self: Any, row: Any) -> Any:
        kept = row.__dict__.setdefault("_liftos_drawn", {})
        if draw.__name__ not in kept:
            kept[draw.__name__] = draw(self, row)
        return kept[draw.__name__]

    return field


def one_of(name: str, values: type[StrEnum]) -> type[admin.SimpleListFilter]:
    """Return a filter on a column by its known values: Django's own would ask for the distinct ones, by reading every row."""

    class OneOf(admin.SimpleListFilter):
        title = name.replace("_", " ")
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(each.value, each.value.replace("_", " ")) for each in values]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{name: self.value()}) if self.value() else queryset

    return OneOf


def draw_receipt(memories: list[dict[str, Any]]) -> SafeString | str:
    """Return the memories used as a table; each leads to its page where there is one."""
    if not memories:
        return "none"
    rows = format_html_join(
        "",
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        (
            (
                _memory(str(used.get("id", ""))),
                "" if used.get("score") is None else f"{used['score']:.4f}",
                used.get("version") or "",
                ", ".join(f"{name} {value:.4f}" for name, value in used.get("terms", {}).items()),
            )
            for used in memories
        ),
    )
    head = format_html_join(
        "",
        '<th scope="col">{}</th>',
        ((title,) for title in ("memory", "score", "version", "made of")),
    )
    return format_html(
        '<table aria-label="Memories used"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', head, rows
    )


def _memory(memory: str) -> SafeString | str:
    try:
        # an app above this one draws that page: its address is all that is known of it here
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:memory_memory_change", args=[memory]), memory
        )
    except NoReverseMatch:
        return memory
