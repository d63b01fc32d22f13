"""Parts of a review's page: verdict buttons, changes since the decision, previous verdicts."""

from uuid import UUID

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accountability.models import DecisionRecord
from accountability.ports import Cited, Since, read_subjects
from accountability.queries import as_decision
from accountability.reviews.operations import MAX_REASON
from accountability.reviews.queries import get_case, list_reviews
from accountability.types import REVIEW_OPERATION, Decision, Verdict
from liftos.kernel.admin.parts import BUTTON

# memories of a decision that are compared with their current versions
COMPARED = 20
_KEYS = {
    Verdict.APPROVE: ("a", "Approve"),
    Verdict.OVERTURN: ("o", "Overturn"),
    Verdict.INFORMATION: ("i", "Request information"),
}


def decision_page(decision: UUID) -> str:
    """Return the URL of a decision's page."""
    return reverse("admin:accountability_decisionrecord_change", args=[decision])


def review_page(decision: UUID) -> str:
    """Return the URL of a decision's review."""
    return reverse("admin:accountability_reviewcase_change", args=[decision])


def verdict_form(decision: UUID) -> SafeString:
    """Return the reason field and verdict buttons, which submit the page's form to other URLs; review.js binds the keys."""
    page = "admin:accountability_reviewcase_judge"
    buttons = [
        {"key": key, "label": label, "address": reverse(page, args=[decision, verdict.value])}
        for verdict, (key, label) in _KEYS.items()
    ]
    return render_to_string(
        "accountability/verdict_form.html",
        {"buttons": buttons, "classes": BUTTON, "decision": decision, "max_reason": MAX_REASON},
    )


def review_field(record: DecisionRecord) -> SafeString | str:
    """Return a link to a decision's review, labelled with its state; without a review a button that requests one."""
    if record.operation == REVIEW_OPERATION:
        return "this is a review"
    case = get_case(organisation=record.organisation_id, decision=record.pk)
    if case is not None:
        return format_html('<a href="{}">{}</a>', review_page(record.pk), case.get_state_display())
    url = reverse("admin:accountability_reviewcase_ask", args=[record.pk])
    return format_html(
        '<button type="submit" class="{}" formmethod="post" formaction="{}" formnovalidate>Request review</button>',
        BUTTON, url,
    )  # fmt: skip


def cited_by(decision: Decision) -> list[Cited]:
    """Return the memories that a decision is about or used, each with the version that it saw; at most COMPARED."""
    cited = [Cited(decision.subject_id)] if decision.subject_kind == "memory" else []
    for used in decision.memories[:COMPARED]:
        version = used.get("version")
        cited.append(Cited(str(used.get("id", "")), version if isinstance(version, int) else None))
    return cited[:COMPARED]


def draw_since(record: DecisionRecord) -> SafeString | str:
    """Return a table of the memories that a decision cites: the version that it saw beside the current one."""
    decision = as_decision(record)
    found = read_subjects("memory", record.organisation_id, record.recorded_at, cited_by(decision))
    if not found:
        return "No memories cited."
    return render_to_string(
        "accountability/since.html",
        {
            "rows": [_since(each) for each in found],
            "changed": sum(each.has_changed for each in found),
            "cited": len(decision.memories),
            "left": len(decision.memories) > COMPARED,
        },
    )


def _since(each: Since) -> dict[str, str]:
    now = f"version {each.version_now}, {each.state}" if each.version_now is not None else each.state
    text = each.now if each.now != each.then else "text unchanged"
    return {
        "name": each.id[-12:],
        "link": each.link,
        "then": f"version {each.version_then}" if each.version_then is not None else "not kept",
        "then_text": each.then,
        "now": now if each.has_changed else f"{each.state}, unchanged",
        "now_text": text if each.now else "",
    }


def draw_reviews(organisation: UUID, decision: UUID) -> SafeString | str:
    """Return the verdicts on a decision, oldest first."""
    reviews = list_reviews(organisation=organisation, decision=decision)
    return render_to_string("accountability/verdicts.html", {"reviews": reviews}) if reviews else "none yet"
