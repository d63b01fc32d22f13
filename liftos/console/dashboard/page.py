"""The theme's callback for the admin's overview page."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from liftos.console.dashboard.overview import dashboard


def add_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the current organisation's dashboard to the context, if there is one."""
    context["title"] = "Overview"
    organisation = getattr(request, "organisation", None)
    if organisation is not None:
        context["dashboard"] = dashboard(organisation.id, timezone.now())
    return context
