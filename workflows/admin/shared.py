"""Helpers shared by the workflow admin pages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.parts import BUTTON
from liftos.kernel.tenancy.authority import scopes_now
from liftos.kernel.tenancy.types import Principal
from workflows.admin.diagram import in_words

MAX_REASON = 500


def has_permission(request: HttpRequest, codename: str) -> bool:
    """Return whether the user has a permission on workflows, such as `change_run`."""
    return request.user.has_perm(f"workflows.{codename}")


def caller_of(request: HttpRequest) -> Principal:
    """Return the signed-in person as a caller, with its scopes in the open organisation."""
    organisation, actor = opened(request), staff_actor(request)
    scopes = scopes_now(organisation=organisation.id, actor=actor)
    return Principal(organisation.id, organisation.slug, actor, scopes)


def typed_reason(request: HttpRequest) -> str:
    """Return the reason entered beside the buttons."""
    return request.POST.get("reason", "").replace("\x00", "").strip()[:MAX_REASON]


def buttons(actions: Sequence[tuple[str, str]], *, reason: bool) -> SafeString | str:
    """Return buttons that submit the page's form to another URL.

    Args:
        actions: URL and label of each button.
        reason: whether to show a field for the reason.
    """
    if not actions:
        return "No actions available."
    found = {"actions": actions, "classes": BUTTON, "reason": reason, "max_reason": MAX_REASON}
    return render_to_string("workflows/buttons.html", found)


def record_link(decision: Any) -> SafeString | str:
    """Return a link to a decision's page."""
    if decision is None:
        return ""
    return format_html(
        '<a href="{}">record</a>', reverse("admin:accountability_decisionrecord_change", args=[decision])
    )


def duration_between(begin: datetime | None, end: datetime | None) -> str:
    """Return a human-readable duration; empty if either time is missing."""
    if begin is None or end is None:
        return ""
    # non-breaking spaces, for narrow columns
    return in_words(max(0.0, (end - begin).total_seconds())).replace(" ", "\u00a0")


def show_message(request: HttpRequest, text: str, *, error: bool = False) -> None:
    """Show a message on the next page."""
    messages.add_message(request, messages.ERROR if error else messages.SUCCESS, text)
