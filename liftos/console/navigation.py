"""The admin's sidebar, grouped by task."""

from typing import Any, NamedTuple

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse


class Entry(NamedTuple):
    """A list page: its model as `app.model`, and the name of a Material Symbols icon."""

    title: str
    model: str
    icon: str


GROUPS: dict[str, tuple[Entry, ...]] = {
    "Review": (
        Entry("Decisions to review", "accountability.reviewcase", "rule"),
        Entry("Decisions", "accountability.decisionrecord", "gavel"),
        Entry("Calibration", "accountability.calibration", "target"),
        Entry("Review rules", "accountability.reviewpolicy", "tune"),
    ),
    "Memory": (
        Entry("Memories", "memory.memory", "neurology"),
        Entry("Proposals", "memory.proposal", "rule"),
        Entry("Documents", "memory.document", "description"),
        Entry("Spaces", "spaces.space", "scatter_plot"),
        Entry("Concepts", "spaces.concept", "category"),
        Entry("Erasures", "memory.erasure", "delete_forever"),
        Entry("Erasure rules", "memory.erasurepolicy", "auto_delete"),
        Entry("Retention rules", "memory.retentionrule", "schedule"),
        Entry("Legal holds", "memory.legalhold", "lock"),
        Entry("Derived memories", "memory.derivedpolicy", "call_split"),
        Entry("Rejected values", "memory.rejectionpolicy", "block"),
        Entry("Secrets", "memory.secretspolicy", "password"),
        Entry("Quotas", "memory.quotarow", "data_usage"),
    ),
    "Workflows": (
        Entry("Runs", "workflows.run", "play_circle"),
        Entry("Steps", "workflows.step", "linear_scale"),
        Entry("Templates", "workflows.template", "account_tree"),
        Entry("Triggers", "workflows.trigger", "bolt"),
        Entry("Firings", "workflows.firing", "offline_bolt"),
        Entry("Schedules", "workflows.schedule", "calendar_clock"),
        Entry("Ticks", "workflows.tick", "timer"),
        Entry("Policies", "workflows.policy", "policy"),
    ),
    "Events": (
        Entry("Events", "events.outboxevent", "outbox"),
        Entry("Webhooks", "events.webhook", "webhook"),
        Entry("Deliveries", "events.delivery", "send"),
    ),
    "Organisation": (
        Entry("Organisations", "tenancy.organisation", "apartment"),
        Entry("Members", "tenancy.membership", "group"),
        Entry("Principals", "tenancy.principalrecord", "badge"),
        Entry("Groups", "tenancy.group", "diversity_3"),
        Entry("API keys", "tenancy.apikey", "key"),
        Entry("Break-glass", "tenancy.breakglass", "visibility"),
    ),
    "Operation": (Entry("Traces", "observability.tracerecord", "timeline"),),
    "Accounts": (
        Entry("Users", "auth.user", "person"),
        Entry("Permission groups", "auth.group", "groups"),
    ),
}


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar's groups with the pages that the user may view; called by the theme."""
    lists = {
        f"{model._meta.app_label}.{model._meta.model_name}": shown
        for model, shown in admin.site._registry.items()
    }
    groups = []
    for title, entries in GROUPS.items():
        items = [
            {"title": each.title, "icon": each.icon, "link": _page(each.model)}
            for each in entries
            if each.model in lists and lists[each.model].has_view_permission(request)
        ]
        if items:
            groups.append({"title": title, "items": items})
    return [{"items": [{"title": "Overview", "icon": "dashboard", "link": reverse("admin:index")}]}, *groups]


def _page(model: str) -> str:
    return reverse(f"admin:{model.replace('.', '_')}_changelist")
