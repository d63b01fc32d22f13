"""What the pages of workflows share."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from liftos.kernel.admin.parts import BUTTON
from workflows.admin.diagram import in_words

MAX_REASON = 500


def may(request: HttpRequest, what: str) -> bool:
    """Tell whether the person has a right, such as `change_run`: the pages themselves change nothing by their forms."""
    return request.user.has_perm(f"workflows.{what}")


def said(request: HttpRequest) -> str:
    """Return the reason that was typed."""
    return request.POST.get("reason", "").replace("\x00", "").strip()[:MAX_REASON]


def buttons(actions: Iterable[tuple[str, str]], *, reason: bool) -> SafeString:
    """Return buttons that send the page's own form elsewhere.

    Args:
        actions: address and label of each.
        reason: with a field for it.
    """
    row = format_html_join(
        "",
        '<button type="submit" class="{}" formmethod="post" formaction="{}" formnovalidate>{}</button>',
        ((BUTTON, address, label) for address, label in actions),
    )
    if not row:
        return format_html("<p>{}</p>", "Nothing can be done with it as it stands.")
    field = format_html(
        '<input name="reason" maxlength="{}" placeholder="Why? It stands on record." aria-label="Reason" '
        'class="border border-base-200 rounded-default px-3 py-2 mb-2 w-full dark:border-base-700 dark:bg-base-900">',
        MAX_REASON,
    )
    return format_html("{}<div>{}</div>", field if reason else "", row)


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
