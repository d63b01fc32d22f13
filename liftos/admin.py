"""What the admins of all apps share."""

import json
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.templatetags.static import static
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString

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


class ReadOnly:
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
