"""Admin of models with at most one row per organisation."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse


class OneEach:
    """Mixin that shows the open organisation's row; "Add" opens an existing row, and rows can't be deleted."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Require an open organisation."""
        may: bool = super().has_add_permission(request)  # type: ignore[misc]
        return may and getattr(request, "organisation", None) is not None

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Add the row, or redirect to the existing one."""
        # looked up here, not in has_add_permission, which every page calls
        found = self.get_queryset(request).values_list("pk", flat=True).first()
        if found is None:
            return super().add_view(request, form_url, extra_context)  # type: ignore[misc]
        opts = self.opts  # type: ignore[attr-defined]
        return HttpResponseRedirect(reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[found]))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: to restore the defaults, edit the row, so that the change is recorded."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the open organisation's row."""
        rows: QuerySet[Any] = super().get_queryset(request)  # type: ignore[misc]
        return rows.filter(organisation=getattr(request, "organisation", None))
