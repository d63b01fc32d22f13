"""What the pages of a review are made of: the verdict's buttons, what has changed since, what was said so far."""

from collections.abc import Sequence
from uuid import UUID

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accountability.models import DecisionRecord
from accountability.ports import Cited, Since, read_subjects
from accountability.queries import as_decision
from accountability.reviews.operations import MAX_REASON
from accountability.reviews.queries import get_case, list_reviews
from accountability.types import REVIEW_OPERATION, Decision, Review, Verdict

# of the memories in a receipt, so many are compared with their present versions
COMPARED = 20
_BUTTON = (
    "border border-base-200 rounded-default px-3 py-2 font-medium mr-2 cursor-pointer dark:border-base-700"
)
_INPUT = "border border-base-200 rounded-default px-3 py-2 mb-2 w-full dark:border-base-700 dark:bg-base-900"
_KEYS = {
    Verdict.APPROVE: ("a", "Approve"),
    Verdict.OVERTURN: ("o", "Overturn"),
    Verdict.INFORMATION: ("i", "Ask"),
}


def decision_page(decision: UUID) -> str:
    """Return the address of a decision's page."""
    return reverse("admin:accountability_decisionrecord_change", args=[decision])


def review_page(decision: UUID) -> str:
    """Return the address of a decision's review."""
    return reverse("admin:accountability_reviewcase_change", args=[decision])


def verdict_form(decision: UUID) -> SafeString:
    """Return buttons that send the page's own form elsewhere, with a reason; review.js presses them by key."""
    buttons = format_html_join(
        "",
        '<button type="submit" class="{}" data-review-key="{}" formmethod="post" formaction="{}" formnovalidate>{} '
        "<kbd>{}</kbd></button>",
        (
            (
                _BUTTON,
                key,
                reverse("admin:accountability_reviewcase_judge", args=[decision, verdict.value]),
                name,
                key,
            )
            for verdict, (key, name) in _KEYS.items()
        ),
    )
    following = reverse("admin:accountability_reviewcase_following")
    return format_html(
        '<textarea name="reason" maxlength="{}" rows="2" placeholder="Why? Wanted for all but an approval; it stands on '
        'record." aria-label="Reason" class="{}"></textarea><div>{}<a class="{}" data-review-key="n" href="{}?after={}">'
        "Next <kbd>n</kbd></a><label><input type=\"checkbox\" data-review-keys checked> Keys</label></div>",
        MAX_REASON, _INPUT, buttons, _BUTTON, following, decision,
    )  # fmt: skip


def review_field(record: DecisionRecord) -> SafeString:
    """Return how far the review of a decision has come; a button where nobody asked for one."""
    if record.operation == REVIEW_OPERATION:
        return format_html("{}", "this is a review")
    case = get_case(organisation=record.organisation_id, decision=record.pk)
    if case is not None:
        return format_html('<a href="{}">{}</a>', review_page(record.pk), case.get_state_display())
    url = reverse("admin:accountability_reviewcase_ask", args=[record.pk])
    return format_html(
        '<button type="submit" class="{}" formmethod="post" formaction="{}" formnovalidate>Review it</button>',
        _BUTTON, url,
    )  # fmt: skip


def cited_by(decision: Decision) -> list[Cited]:
    """Return the memories that a decision is about or was made from, each with the version that it saw."""
    cited = [Cited(decision.subject_id)] if decision.subject_kind == "memory" else []
    for used in decision.memories[:COMPARED]:
        version = used.get("version")
        cited.append(Cited(str(used.get("id", "")), version if isinstance(version, int) else None))
    return cited[:COMPARED]


def draw_since(record: DecisionRecord) -> SafeString | str:
    """Return what became of the memories that a decision saw: its version beside the present one."""
    decision = as_decision(record)
    found = read_subjects("memory", record.organisation_id, record.recorded_at, cited_by(decision))
    if not found:
        return "It cites no memory."
    rows = format_html_join("", "<tr>{}</tr>", ((_since(each),) for each in found))
    head = format_html_join(
        "",
        '<th scope="col">{}</th>',
        ((name,) for name in ("memory", "as the decision saw it", "now")),
    )
    left = len(decision.memories) - COMPARED
    more = f" Of {len(decision.memories)} the first {COMPARED} are shown." if left > 0 else ""
    changed = sum(each.has_changed for each in found)
    return format_html(
        '<p>{} of {} have changed since.{}</p><table aria-label="Changes since"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>',
        changed, len(found), more, head, rows,
    )  # fmt: skip


def _since(each: Since) -> SafeString:
    name = format_html('<a href="{}">{}</a>', each.link, each.id[-12:]) if each.link else each.id[-12:]
    then = f"version {each.version_then}" if each.version_then is not None else "not kept"
    now = f"version {each.version_now}, {each.state}" if each.version_now is not None else each.state
    cell = "<td><b>{}</b><br>{}</td>"
    shown = each.now if each.now != each.then else "the same text"
    return format_html(
        '<td class="whitespace-nowrap">{}</td>' + cell + cell,
        name, then, each.then, now if each.has_changed else f"{each.state}, unchanged", shown if each.now else "",
    )  # fmt: skip


def draw_reviews(organisation: UUID, decision: UUID) -> SafeString | str:
    """Return what was said of a decision so far."""
    found: Sequence[Review] = list_reviews(organisation=organisation, decision=decision)
    if not found:
        return "nothing yet"
    return format_html_join(
        "",
        '<p><a href="{}">{}</a> <b>{}</b> by {}: {}</p>',
        (
            (
                decision_page(each.id),
                f"{each.recorded_at:%Y-%m-%d %H:%M}",
                each.verdict.value,
                each.actor.on_behalf_of or each.actor.id,
                each.reason or "-",
            )
            for each in found
        ),
    )
