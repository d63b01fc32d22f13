"""Shared parts of all apps' admins."""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import wraps
from typing import Any

import psycopg
from django import forms
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.db import DataError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminTextareaWidget

logger = logging.getLogger("liftos.kernel.admin.parts")
# raised by Django, psycopg and Postgres for invalid filter values
_UNREADABLE = (
    DataError, psycopg.DataError, IncorrectLookupParameters, ValidationError, ValueError, TypeError, OverflowError,
)  # fmt: skip

BUTTON = (
    "border border-base-200 rounded-default px-3 py-2 font-medium mr-2 cursor-pointer dark:border-base-700"
)
"""CSS classes of a button that submits the page's form to another URL."""


def stylesheet(request: HttpRequest) -> str:
    """Return the URL of our additions to the theme's styles."""
    return static("liftos/admin.css")


def script(request: HttpRequest) -> str:
    """Return the URL of the script for keyboard access."""
    return static("liftos/admin.js")


def as_text(value: Any) -> SafeString:
    """Return a value as indented JSON."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre style="white-space: pre-wrap; word-break: break-word">{}</pre>', text)


def table(titles: Sequence[str], rows: Iterable[Sequence[Any]], *, label: str) -> SafeString:
    """Return a table; a row's first cell may be a pair (anchor, text)."""
    head = format_html_join("", '<th scope="col">{}</th>', ((title,) for title in titles))
    body = format_html_join("", "<tr>{}</tr>", ((_cells(row),) for row in rows))
    return format_html(
        '<div style="overflow-x: auto" role="region" aria-label="{0}" tabindex="0"><table aria-label="{0}"><thead><tr>{1}</tr></thead><tbody>{2}</tbody></table></div>',
        label, head, body,
    )  # fmt: skip


def _cells(row: Sequence[Any]) -> SafeString:
    first, *rest = row
    anchor, shown = first if isinstance(first, tuple) else ("", first)
    begun = format_html('<td id="{}">{}</td>' if anchor else "<td{}>{}</td>", anchor, shown)
    return begun + format_html_join("", "<td>{}</td>", ((each,) for each in rest))


def drawn_once(draw: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Compute a read-only field once per row: the theme calls it five times."""

    @wraps(draw)
    def field(self: Any, row: Any) -> Any:
        kept = row.__dict__.setdefault("_liftos_drawn", {})
        if draw.__name__ not in kept:
            kept[draw.__name__] = draw(self, row)
        return kept[draw.__name__]

    return field


def drawn_as(title: str) -> Callable[[Callable[[Any, Any], Any]], Callable[[Any, Any], Any]]:
    """Compute a read-only field once per row, under a title of its own. See `drawn_once`."""

    def named(draw: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return admin.display(drawn_once(draw), description=title)

    return named


def choice_filter(name: str, values: type[StrEnum]) -> type[admin.SimpleListFilter]:
    """Return a list filter on a column with known values: Django's own scans every row for distinct ones."""

    class ChoiceFilter(admin.SimpleListFilter):
        title = name.replace("_", " ")
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(each.value, each.value.replace("_", " ")) for each in values]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{name: self.value()}) if self.value() else queryset

    return ChoiceFilter


class CheckedChangeList(ChangeList):
    """Answers 400 to invalid filters in the URL: NUL, a year 0, a number or pattern that Postgres rejects."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        if not request.GET:
            super().__init__(request, *args, **kwargs)
            return
        try:
            # a savepoint: a failed query would make the page's transaction unusable
            with transaction.atomic():
                super().__init__(request, *args, **kwargs)
        except _UNREADABLE as error:
            logger.warning("invalid filters in an admin list", exc_info=error)
            raise BadRequest("The filters in the URL are invalid.") from error


class OptionalObject(forms.JSONField):
    """A form's field for a JSON object that may be left empty; anything else is refused."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make the field optional."""
        super().__init__(
            *args, **kwargs | {"required": False, "widget": UnfoldAdminTextareaWidget(attrs={"rows": 6})}
        )

    def prepare_value(self, value: Any) -> Any:
        """Return nothing for null and {}, which an empty field stands for."""
        return "" if value in (None, {}) else super().prepare_value(value)

    def clean(self, value: Any) -> Any:
        """Return an object or None."""
        found = super().clean(value)
        if found is not None and not isinstance(found, dict):
            raise ValidationError("Enter a JSON object.")
        return found


class CheckedLists:
    """Mixin of all our model admins: invalid filters in a list's URL are a 400."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return `CheckedChangeList`."""
        return CheckedChangeList


class ReadOnly(CheckedLists):
    """Mixin of read-only model admins."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False


class UncountedPaginator(Paginator):
    """Counts at most ten thousand rows, so that lists of millions open quickly."""

    LIMIT = 10_000

    @cached_property
    def count(self) -> int:
        """Number of rows, up to the limit."""
        rows: Any = self.object_list
        return rows.order_by()[: self.LIMIT].count()


class LongList(ReadOnly):
    """Mixin of read-only model admins of many rows: the newest first, and not all counted."""

    ordering = ("-id",)
    show_full_result_count = False
    paginator = UncountedPaginator
