"""What the admins of all apps share."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest
from django.utils.functional import cached_property


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
