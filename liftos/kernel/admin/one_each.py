"""A model of which each organisation has one row at most, in the admin."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse


class OneEach:
    """Shows the row of the organisation that is open; adding a second leads to the first, and none is deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only where an organisation is open."""
        may: bool = super().has_add_permission(request)  # type: ignore[misc]
        return may and getattr(request, "organisation", None) is not None

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Add the row, or go to the one that is there."""
        # looked up here and not among the permissions, which every page asks for
        found = self.get_queryset(request).values_list("pk", flat=True).first()
        if found is None:
            return super().add_view(request, form_url, extra_context)  # type: ignore[misc]
        opts = self.opts  # type: ignore[attr-defined]
        return HttpResponseRedirect(reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[found]))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Without a row the defaults hold, but that they hold again is a choice."""
        del request, obj
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the row of the organisation that is open."""
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return rows.filter(organisation=getattr(request, "organisation", None))
