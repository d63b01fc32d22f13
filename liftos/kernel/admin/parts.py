"""What the admins of all apps share."""

import json
import logging
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import wraps
from typing import Any

import psycopg
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

logger = logging.getLogger("liftos.kernel.admin.parts")
# what Django, psycopg and Postgres raise about a filter's value
_UNREADABLE = (
    DataError, psycopg.DataError, IncorrectLookupParameters, ValidationError, ValueError, TypeError, OverflowError,
)  # fmt: skip

BUTTON = (
    "border border-base-200 rounded-default px-3 py-2 font-medium mr-2 cursor-pointer dark:border-base-700"
)
"""Classes of a button that sends the page's own form elsewhere."""


def stylesheet(request: HttpRequest) -> str:
    """Return the address of what the admin's own styles lack."""
    del request
    return static("liftos/admin.css")


def script(request: HttpRequest) -> str:
    """Return the address of what lets the keyboard press all that a pointer can."""
    del request
    return static("liftos/admin.js")


def as_text(value: Any) -> SafeString:
    """Return JSON laid out for people."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return format_html('<pre style="white-space: pre-wrap; word-break: break-word">{}</pre>', text)


def table(titles: Sequence[str], rows: Iterable[Sequence[Any]], *, label: str) -> SafeString:
    """Return a table; each row may begin with its id as an anchor, as a pair (anchor, text)."""
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
    """Draw a field of a page once for each row: the theme asks five times for what it shows."""

    @wraps(draw)
    def field(self: Any, row: Any) -> Any:
        kept = row.__dict__.setdefault("_liftos_drawn", {})
        if draw.__name__ not in kept:
            kept[draw.__name__] = draw(self, row)
        return kept[draw.__name__]

    return field


def one_of(name: str, values: type[StrEnum]) -> type[admin.SimpleListFilter]:
    """Return a filter on a column by its known values: Django's own reads every row to find the distinct ones."""

    class OneOf(admin.SimpleListFilter):
        title = name.replace("_", " ")
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(each.value, each.value.replace("_", " ")) for each in values]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{name: self.value()}) if self.value() else queryset

    return OneOf


class CheckedChangeList(ChangeList):
    """Answers 400 to an address whose filters can't be read: NUL, a year 0, a number or a pattern that Postgres refuses."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        if not request.GET:
            super().__init__(request, *args, **kwargs)
            return
        try:
            # a savepoint: after a refused query the page's transaction would be of no use
            with transaction.atomic():
                super().__init__(request, *args, **kwargs)
        except _UNREADABLE as error:
            logger.warning("the filters of a list can't be read", exc_info=error)
            raise BadRequest("The filters in the address can't be read.") from error


class CheckedLists:
    """Gives a model admin the list that checks its address; a mixin of every model admin of ours."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list's class."""
        del request, kwargs
        return CheckedChangeList


class ReadOnly(CheckedLists):
    """Makes a model admin show and never write."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is added by hand."""
        del request, obj
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is changed by hand."""
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted by hand."""
        del request, obj
        return False


class UncountedPaginator(Paginator):
    """Counts at most ten thousand rows, so that a list of millions opens as fast as a short one."""

    LIMIT = 10_000

    @cached_property
    def count(self) -> int:
        """Rows, up to the limit."""
        rows: Any = self.object_list
        return rows.order_by()[: self.LIMIT].count()
