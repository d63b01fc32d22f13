"""Decision records in the admin, read-only."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from accountability.admin.parts import DecisionFields, in_organisation
from accountability.admin.review_parts import review_field
from accountability.calibration.operations import calibrated_confidences
from accountability.ledger.verification import check_record
from accountability.models import DecisionRecord
from accountability.queries import as_decision
from accountability.types import Effect, RiskClass
from liftos.kernel.admin.parts import LongList, choice_filter, drawn_as, drawn_once
from liftos.kernel.telemetry.storage.queries import TraceNotFound, get_trace
from liftos.kernel.telemetry.waterfall import draw_waterfall
from liftos.kernel.tenancy.types import ActorKind

DETAILS = (
    "id", "decision_point", "subject_kind", "subject_id", "risk_class", "effect", "actor_kind", "actor_id",
    "on_behalf_of", "versions", "correlation_id", "trace_id", "span_id", "started_at", "ended_at", "recorded_at",
)  # fmt: skip


@admin.register(DecisionRecord)
class DecisionRecordAdmin(DecisionFields, LongList, ModelAdmin):
    list_display = (
        "recorded_at",
        "operation",
        "effect",
        "actor_kind",
        "on_behalf_of",
        "stated",
        "correlation_id",
    )
    list_filter = (
        choice_filter("effect", Effect),
        choice_filter("risk_class", RiskClass),
        choice_filter("actor_kind", ActorKind),
    )
    # makes Django show the search box; get_search_results does the search
    search_fields = ("correlation_id", "operation", "subject_id")
    search_help_text = "Exact correlation id, operation or subject id"
    show_facets = admin.ShowFacets.NEVER  # they count every row
    readonly_fields = (
        "reasoning", "stated", "review", "proof", "chain", "trace", "inputs", "receipt", "outputs", "alternatives",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("operation", "reasoning", "stated", "calibrated", "confidence_method", "review", "proof", "chain",
                           "trace")}),
        ("Inputs and outcome", {"fields": ("inputs", "receipt", "outputs", "alternatives")}),
        ("Details", {"fields": DETAILS}),
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[DecisionRecord]:
        rows = in_organisation(super().get_queryset(request), request)
        match = request.resolver_match
        is_list = match is not None and str(match.url_name).endswith("_changelist")
        # the list shows nothing of the payloads, which are most of the bytes
        return rows if is_list else rows.select_related("payload")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[DecisionRecord], search_term: str
    ) -> tuple[QuerySet[DecisionRecord], bool]:
        """Search one column after another, each by its index: an OR over all would read every row."""
        if not search_term:
            return queryset, False
        for name in self.search_fields:
            found = queryset.filter(**{name: search_term})
            if found.exists():
                return found, False
        return queryset.none(), False

    @admin.display(description="Confidence", ordering="confidence")
    def stated(self, record: DecisionRecord) -> str:
        return "-" if record.confidence is None else f"{record.confidence:.3f}"

    @drawn_as("Calibrated confidence")
    def calibrated(self, record: DecisionRecord) -> str:
        by_decision = calibrated_confidences(
            organisation=record.organisation_id, decisions=[as_decision(record)]
        )
        confidence = by_decision.get(record.pk)
        return "too few verdicts on similar decisions" if confidence is None else f"{confidence:.3f}"

    @drawn_once
    def review(self, record: DecisionRecord) -> SafeString | str:
        return review_field(record)

    @drawn_as("Log proof")
    def proof(self, record: DecisionRecord) -> str:
        return check_record(record.organisation_id, record.pk).text

    @drawn_once
    def trace(self, record: DecisionRecord) -> SafeString | str:
        try:
            trace = get_trace(organisation=record.organisation_id, trace_id=record.trace_id)
        except TraceNotFound:
            return "not kept"
        return draw_waterfall(trace.spans, trace.duration_ms)
