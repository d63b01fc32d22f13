"""Decision records in the admin: read-only, as the table is."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from accountability.chain_picture import draw_chain
from accountability.chains import get_chain
from accountability.models import DecisionRecord
from accountability.queries import DecisionNotFound
from accountability.types import Effect, RiskClass
from accountability.verification import check_record
from liftos.admin import ReadOnly, UncountedPaginator, as_text
from liftos.observability.queries import TraceNotFound, get_trace
from liftos.observability.waterfall import draw_waterfall
from liftos.tenancy.types import ActorKind

ERASED = "erased"
WHERE = (
    "id", "decision_point", "subject_kind", "subject_id", "risk_class", "effect", "actor_kind", "actor_id",
    "on_behalf_of", "versions", "correlation_id", "trace_id", "span_id", "started_at", "ended_at", "recorded_at",
)  # fmt: skip


def _payload(record: DecisionRecord) -> dict[str, Any]:
    try:
        return record.payload.values
    except ObjectDoesNotExist:
        return {}


def _one_of(name: str, values: type[StrEnum]) -> type[admin.SimpleListFilter]:
    """Return a filter on a column by its known values: Django's own would ask for the distinct ones, by reading every row."""

    class OneOf(admin.SimpleListFilter):
        title = name.replace("_", " ")
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(each.value, each.value.replace("_", " ")) for each in values]

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            return queryset.filter(**{name: self.value()}) if self.value() else queryset

    return OneOf


@admin.register(DecisionRecord)
class DecisionRecordAdmin(ReadOnly, ModelAdmin):
    list_display = (
        "recorded_at",
        "operation",
        "effect",
        "actor_kind",
        "on_behalf_of",
        "confidence",
        "correlation_id",
    )
    list_filter = (
        _one_of("effect", Effect),
        _one_of("risk_class", RiskClass),
        _one_of("actor_kind", ActorKind),
    )
    search_fields = (
        "correlation_id",
        "operation",
        "subject_id",
    )  # shows the box; get_search_results looks it up
    search_help_text = "Whole correlation id, operation or subject id"
    ordering = ("-id",)
    show_full_result_count = False
    paginator = UncountedPaginator
    readonly_fields = ("reasoning", "proof", "chain", "trace", "inputs", "receipt", "outputs", "alternatives")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "operation",
                    "reasoning",
                    "confidence",
                    "confidence_method",
                    "proof",
                    "chain",
                    "trace",
                )
            },
        ),
        ("From what, and what came of it", {"fields": ("inputs", "receipt", "outputs", "alternatives")}),
        ("Who, when and where", {"fields": WHERE}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[DecisionRecord]:
        found = super().get_queryset(request)
        organisation = getattr(request, "organisation", None)
        if organisation is not None:
            # row security says the same, but as a value the planner knows how many rows it means
            found = found.filter(organisation_id=organisation.id)
        match = request.resolver_match
        # the list shows nothing of the payloads, which are most of the bytes
        return (
            found
            if match and str(match.url_name).endswith("_changelist")
            else found.select_related("payload")
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[DecisionRecord], search_term: str
    ) -> tuple[QuerySet[DecisionRecord], bool]:
        """Look for one column after the other, each by its index: one condition over all would read every row."""
        if not search_term:
            return queryset, False
        for name in self.search_fields:
            found = queryset.filter(**{name: search_term})
            if found.exists():
                return found, False
        return queryset.none(), False

    def reasoning(self, record: DecisionRecord) -> str:
        return _payload(record).get("reasoning", ERASED)

    @admin.display(description="Receipt: the memories used")
    def receipt(self, record: DecisionRecord) -> SafeString | str:
        """Each memory with its score and the terms that sum to it."""
        payload = _payload(record)
        return draw_receipt(payload["memories"]) if payload else ERASED

    def inputs(self, record: DecisionRecord) -> SafeString:
        return as_text(_payload(record).get("inputs", ERASED))

    def outputs(self, record: DecisionRecord) -> SafeString:
        return as_text(_payload(record).get("outputs", ERASED))

    @admin.display(description="Considered, and not chosen")
    def alternatives(self, record: DecisionRecord) -> SafeString:
        return as_text(_payload(record).get("alternatives", ERASED))

    @admin.display(description="In the log")
    def proof(self, record: DecisionRecord) -> str:
        """Verify the record against the signed log, here and now."""
        return check_record(record.organisation_id, record.pk).text

    @admin.display(description="Chain")
    def chain(self, record: DecisionRecord) -> SafeString | str:
        """The decisions this one follows from, and those that follow from it."""
        try:
            steps = get_chain(organisation=record.organisation_id, decision=record.pk, limit=50)
        except DecisionNotFound:
            return "-"
        return draw_chain(steps, _page)

    @admin.display(description="Where the time went")
    def trace(self, record: DecisionRecord) -> SafeString | str:
        """The trace in which the decision was taken, if it was kept."""
        try:
            found = get_trace(organisation=record.organisation_id, trace_id=record.trace_id)
        except TraceNotFound:
            return "not kept"
        return draw_waterfall(found.spans, found.duration_ms)


def _page(decision: UUID) -> str:
    return reverse("admin:accountability_decisionrecord_change", args=[decision])


def draw_receipt(memories: list[dict[str, Any]]) -> SafeString | str:
    """Return the memories used as a table; each leads to its page where there is one."""
    if not memories:
        return "none"
    rows = format_html_join(
        "",
        '<tr><td style="padding-right: 1.5em">{}</td><td style="padding-right: 1.5em; text-align: right">{}</td>'
        '<td style="padding-right: 1.5em">{}</td><td>{}</td></tr>',
        (
            (
                _memory(str(used.get("id", ""))),
                "" if used.get("score") is None else f"{used['score']:.4f}",
                used.get("version") or "",
                ", ".join(f"{name} {value:.4f}" for name, value in used.get("terms", {}).items()),
            )
            for used in memories
        ),
    )
    head = format_html_join(
        "",
        '<th style="text-align: left; padding-right: 1.5em">{}</th>',
        ((title,) for title in ("memory", "score", "version", "made of")),
    )
    return format_html("<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table>", head, rows)


def _memory(memory: str) -> SafeString | str:
    try:
        # an app above this one draws that page: its address is all that is known of it here
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:memory_memory_change", args=[memory]), memory
        )
    except NoReverseMatch:
        return memory
