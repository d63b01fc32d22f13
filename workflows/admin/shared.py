"""What the pages of workflows share."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from liftos.kernel.admin.parts import BUTTON
from workflows.admin.diagram import in_words

MAX_REASON = 500


def may(request: HttpRequest, what: str) -> bool:
    """Return whether the person has a right, such as `change_run`: the pages themselves change nothing by their forms."""
    return request.user.has_perm(f"workflows.{what}")


def said(request: HttpRequest) -> str:
    """Return the reason that was typed."""
    return request.POST.get("reason", "").replace("\x00", "").strip()[:MAX_REASON]


def buttons(actions: Sequence[tuple[str, str]], *, reason: bool) -> SafeString | str:
    """Return buttons that send the page's own form elsewhere.

    Args:
        actions: address and label of each.
        reason: with a field for it.
    """
    if not actions:
        return "Nothing can be done with it as it stands."
    found = {"actions": actions, "classes": BUTTON, "reason": reason, "max_reason": MAX_REASON}
    return render_to_string("workflows/buttons.html", found)


def record_link(decision: Any) -> SafeString | str:
    """Return a link to a decision's page."""
    if decision is None:
        return ""
    return format_html(
        '<a href="{}">record</a>', reverse("admin:accountability_decisionrecord_change", args=[decision])
    )


def took(begin: datetime | None, end: datetime | None) -> str:
    """Return how long something took, in words; nothing where it has not ended."""
    if begin is None or end is None:
        return ""
    # in one piece, however narrow the column
    return in_words(max(0.0, (end - begin).total_seconds())).replace(" ", "\u00a0")


def tell(request: HttpRequest, text: str, *, wrong: bool = False) -> None:
    """Show a message on the next page."""
    messages.add_message(request, messages.ERROR if wrong else messages.SUCCESS, text)
