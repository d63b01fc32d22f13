"""Decision records in the admin: read-only, as the table is."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from accountability.admin.chain_diagram import draw_chain
from accountability.admin.parts import ERASED, draw_receipt, payload_of
from accountability.admin.review_parts import decision_page, review_field
from accountability.calibration.operations import calibrated
from accountability.decisions.chains import get_chain
from accountability.errors import DecisionNotFound
from accountability.ledger.verification import check_record
from accountability.models import DecisionRecord
from accountability.queries import as_decision
from accountability.types import Effect, RiskClass
from liftos.kernel.admin.parts import ReadOnly, UncountedPaginator, as_text, drawn_once, one_of
from liftos.kernel.telemetry.storage.queries import TraceNotFound, get_trace
from liftos.kernel.telemetry.waterfall import draw_waterfall
from liftos.kernel.tenancy.types import ActorKind

WHERE = (
    "id", "decision_point", "subject_kind", "subject_id", "risk_class", "effect", "actor_kind", "actor_id",
    "on_behalf_of", "versions", "correlation_id", "trace_id", "span_id", "started_at", "ended_at", "recorded_at",
)  # fmt: skip


@admin.register(DecisionRecord)
class DecisionRecordAdmin(ReadOnly, ModelAdmin):
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
        one_of("effect", Effect),
        one_of("risk_class", RiskClass),
        one_of("actor_kind", ActorKind),
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
    show_facets = admin.ShowFacets.NEVER  # they count every row
    readonly_fields = (
        "reasoning",
        "stated",
        "review",
        "proof",
        "chain",
        "trace",
        "inputs",
        "receipt",
        "outputs",
        "alternatives",
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    "operation",
                    "reasoning",
                    "stated",
                    "calibrated",
                    "confidence_method",
                    "review",
                    "proof",
                    "chain",
                    "trace",
                )
            },
        ),
        ("Inputs and outcome", {"fields": ("inputs", "receipt", "outputs", "alternatives")}),
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
        return payload_of(record).get("reasoning", ERASED)

    @admin.display(description="Confidence", ordering="confidence")
    def stated(self, record: DecisionRecord) -> str:
        """As far as it is worth reading."""
        return "-" if record.confidence is None else f"{record.confidence:.3f}"

    @admin.display(description="Confidence by the verdicts so far")
    @drawn_once
    def calibrated(self, record: DecisionRecord) -> str:
        """What the confidence is worth, judged by what people said of decisions like it."""
        found = calibrated(organisation=record.organisation_id, decisions=[as_decision(record)])
        return f"{found[record.pk]:.3f}" if record.pk in found else "too few verdicts on decisions like it"

    @drawn_once
    def review(self, record: DecisionRecord) -> SafeString | str:
        """How far its review has come, and the way there."""
        return review_field(record)

    @admin.display(description="Memories used")
    @drawn_once
    def receipt(self, record: DecisionRecord) -> SafeString | str:
        """Each memory with its score and the terms that sum to it."""
        payload = payload_of(record)
        return draw_receipt(payload["memories"]) if payload else ERASED

    @drawn_once
    def inputs(self, record: DecisionRecord) -> SafeString:
        return as_text(payload_of(record).get("inputs", ERASED))

    @drawn_once
    def outputs(self, record: DecisionRecord) -> SafeString:
        return as_text(payload_of(record).get("outputs", ERASED))

    @admin.display(description="Alternatives rejected")
    @drawn_once
    def alternatives(self, record: DecisionRecord) -> SafeString:
        return as_text(payload_of(record).get("alternatives", ERASED))

    @admin.display(description="In the log")
    @drawn_once
    def proof(self, record: DecisionRecord) -> str:
        """Verify the record against the signed log, here and now."""
        return check_record(record.organisation_id, record.pk).text

    @admin.display(description="Chain")
    @drawn_once
    def chain(self, record: DecisionRecord) -> SafeString | str:
        """The decisions this one follows from, and those that follow from it."""
        try:
            steps = get_chain(organisation=record.organisation_id, decision=record.pk, limit=50)
        except DecisionNotFound:
            return "-"
        return draw_chain(steps, decision_page)

    @admin.display(description="Trace")
    @drawn_once
    def trace(self, record: DecisionRecord) -> SafeString | str:
        """The trace in which the decision was taken, if it was kept."""
        try:
            found = get_trace(organisation=record.organisation_id, trace_id=record.trace_id)
        except TraceNotFound:
            return "not kept"
        return draw_waterfall(found.spans, found.duration_ms)
