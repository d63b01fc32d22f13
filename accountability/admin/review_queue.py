"""The review queue in the admin, and a page per review."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import CharField
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.forms import ActionForm
from unfold.widgets import UnfoldAdminTextInputWidget

from accountability.admin.parts import DecisionFields, in_organisation
from accountability.admin.review_filters import (
    RISKS,
    AssignedFilter,
    QueueChangeList,
    RiskFilter,
    StateFilter,
)
from accountability.admin.review_parts import (
    decision_page,
    draw_reviews,
    draw_since,
    review_page,
    verdict_form,
)
from accountability.models import DecisionRecord
from accountability.models.reviews import NO_CONFIDENCE, ReviewCase
from accountability.reviews import operations
from accountability.reviews.queries import get_next
from accountability.types import Because, Reviewed, ReviewState, Verdict
from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.parts import UncountedPaginator, choice_filter, drawn_as, drawn_once
from liftos.kernel.errors import LiftosError
from liftos.kernel.ids import as_uuid
from liftos.kernel.tenancy.roles_backend import may_review

# decisions per bulk action: each verdict has its own record and reversal
BULK = 200
# why a decision is in the queue, as shown before its risk class
_REASONS = {
    Because.RISK: "",
    Because.CONFIDENCE: "low confidence, ",
    Because.SAMPLE: "sample, ",
    Because.HAND: "requested, ",
}
_OUTCOMES = {
    ReviewState.APPROVED: "Approved.",
    ReviewState.OVERTURNED: "Overturned.",
    ReviewState.WAITING_INFORMATION: "Information requested.",
    ReviewState.WAITING_SECOND: "Recorded; awaiting a second reviewer.",
}


class BulkForm(ActionForm):
    """The choice of a bulk action with one text field: the reason of a verdict, or the assignee."""

    reason = CharField(
        required=False,
        max_length=operations.MAX_REASON,
        label="",
        widget=UnfoldAdminTextInputWidget(
            attrs={
                "placeholder": "Reason, or the assignee's name",
                "aria-label": "Reason or assignee",
                "class": "!text-base-700",
            }
        ),
    )


def _judge_all(verdict: Verdict, name: str) -> Callable[..., None]:
    @admin.action(description=name, permissions=["judge"])
    def judge(self: "ReviewCaseAdmin", request: HttpRequest, queryset: QuerySet[ReviewCase]) -> None:
        self.judge_many(request, queryset, verdict)

    judge.__name__ = f"{verdict.value}_chosen"
    return judge


@admin.register(ReviewCase)
class ReviewCaseAdmin(DecisionFields, ModelAdmin):
    list_display = (
        "risk",
        "confidence",
        "operation",
        "point",
        "because",
        "state_shown",
        "assigned_to",
        "decided",
    )
    list_display_links = ("operation", "risk")
    list_filter = (StateFilter, RiskFilter, AssignedFilter, choice_filter("because", Because))
    list_select_related = ("decision",)
    list_per_page = 25  # the theme's templates, not the database, take the time per row
    search_fields = (
        "decision_point",
    )  # makes Django show the search box; get_search_results does the search
    search_help_text = "Exact decision point"
    sortable_by = ("risk", "confidence", "point", "decided")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = UncountedPaginator
    action_form = BulkForm
    actions = (
        _judge_all(Verdict.APPROVE, "Approve"),
        _judge_all(Verdict.OVERTURN, "Overturn (reason required)"),
        _judge_all(Verdict.INFORMATION, "Request information (reason required)"),
        "assign_to_me",
        "assign_to_named",
        "assign_to_nobody",
    )
    actions_list = ("review_next",)
    list_disable_select_all = True
    readonly_fields = (
        "verdict", "status", "operation", "reasoning", "confidence", "changes", "previous_verdicts", "chain", "inputs",
        "receipt", "outputs", "alternatives", "record",
    )  # fmt: skip

    class Media:
        js = ("accountability/review.js",)

    # --- permissions ----------------------------------------------------------------------------

    def has_judge_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may give verdicts; the form itself stays read-only for everybody."""
        return request.user.has_perm("accountability.change_reviewcase")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_judge_permission(request) or request.user.has_perm("accountability.view_reviewcase")

    # --- the list -------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return QueueChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReviewCase]:
        return in_organisation(super().get_queryset(request), request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ReviewCase], search_term: str
    ) -> tuple[QuerySet[ReviewCase], bool]:
        return (queryset.filter(decision_point=search_term) if search_term else queryset), False

    @admin.display(description="Risk", ordering="rank")
    def risk(self, case: ReviewCase) -> str:
        return RISKS[case.rank]

    @admin.display(description="Confidence", ordering="sureness")
    def confidence(self, case: ReviewCase) -> str:
        return "-" if case.sureness == NO_CONFIDENCE else f"{case.sureness:.2f}"

    def operation(self, case: ReviewCase) -> str:
        return case.decision.operation

    @admin.display(description="Decision point", ordering="decision_point")
    def point(self, case: ReviewCase) -> str:
        return case.decision_point

    @admin.display(description="State")
    def state_shown(self, case: ReviewCase) -> str:
        return case.get_state_display()

    @admin.display(description="Decided", ordering="decision_id")
    def decided(self, case: ReviewCase) -> Any:
        return case.decision.recorded_at

    # --- the page -------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        top = ["operation", "reasoning", "confidence", "changes", "previous_verdicts", "status"]
        if self.has_judge_permission(request) and obj is not None and obj.state != ReviewState.OVERTURNED:
            top = ["verdict", *top]
        return (
            (None, {"fields": top}),
            ("Inputs and outcome", {"fields": ("inputs", "receipt", "outputs", "alternatives")}),
            ("Record", {"fields": ("chain", "record")}),
        )

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> ReviewCase | None:
        case: ReviewCase | None = super().get_object(request, object_id, from_field)
        if case is None:
            return None
        # with the payload, which the list does without
        rows = ReviewCase.objects.select_related("decision", "decision__payload")
        return rows.get(organisation_id=case.organisation_id, pk=case.pk)

    def record_of(self, row: ReviewCase) -> DecisionRecord:
        return row.decision

    @drawn_once
    def verdict(self, case: ReviewCase) -> SafeString:
        return verdict_form(case.decision_id)

    @admin.display(description="Review")
    def status(self, case: ReviewCase) -> str:
        text = f"{case.get_state_display().capitalize()}: {_REASONS[Because(case.because)]}{RISKS[case.rank]} risk"
        if case.assigned_to:
            text += f", assigned to {case.assigned_to}"
        if case.reversal:
            text += f". Reversed by {case.reversal['operation']}: {case.reversal['changed']} changed, "
            text += f"{case.reversal['left_alone']} unchanged"
        return text

    @drawn_as("Changed since")
    def changes(self, case: ReviewCase) -> SafeString | str:
        return draw_since(case.decision)

    @drawn_once
    def previous_verdicts(self, case: ReviewCase) -> SafeString | str:
        return draw_reviews(case.organisation_id, case.decision_id)

    @admin.display(description="Full record, with proof and trace")
    def record(self, case: ReviewCase) -> SafeString:
        return format_html('<a href="{}">{}</a>', decision_page(case.decision_id), case.decision_id)

    # --- actions --------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = "accountability_reviewcase"
        return [
            path("next/", wrap(self.open_next), name=f"{name}_following"),
            path("<id:decision>/ask/", wrap(self.request_review), name=f"{name}_ask"),
            path("<id:decision>/judge/<slug:how>/", wrap(self.judge), name=f"{name}_judge"),
            *super().get_urls(),
        ]

    def judge(self, request: HttpRequest, decision: UUID, how: str) -> HttpResponse:
        """Record a verdict and open the next decision."""
        self._check(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if how not in list(Verdict):
            self.message_user(request, "Unknown verdict.", messages.ERROR)
            return HttpResponseRedirect(review_page(decision))
        try:
            done = self._review(request, decision, Verdict(how))
        except LiftosError as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(review_page(decision))
        reversed_count = f" {done.reversal['changed']} reversed." if done.reversal else ""
        self.message_user(request, _OUTCOMES[done.state] + reversed_count)
        return self._open_next(request, decision)

    def open_next(self, request: HttpRequest) -> HttpResponse:
        """Open the decision that this user should review next."""
        self._check(request)
        return self._open_next(request, as_uuid(request.GET.get("after", "")))

    def request_review(self, request: HttpRequest, decision: UUID) -> HttpResponse:
        """Add a decision to the queue."""
        self._check(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            operations.ask_for_review(
                organisation=opened(request).id, by=staff_actor(request), decision=decision
            )
        except LiftosError as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(decision_page(decision))
        return HttpResponseRedirect(review_page(decision))

    @action(description="Review next", url_path="start", permissions=["judge"], icon="play_arrow")
    def review_next(self, request: HttpRequest) -> HttpResponse:
        return self._open_next(request, None)

    def judge_many(self, request: HttpRequest, queryset: QuerySet[ReviewCase], verdict: Verdict) -> None:
        """Record one verdict on several decisions, and report those on which it failed."""
        failures: Counter[str] = Counter()
        states: Counter[ReviewState] = Counter()
        for decision in self._chosen(queryset):
            try:
                states[self._review(request, decision, verdict).state] += 1
            except LiftosError as error:
                failures[error.message] += 1
        for state, count in states.items():
            self.message_user(request, f"{count}: {_OUTCOMES[state]}")
        for message, count in failures.items():
            self.message_user(request, f"{count} failed: {message}", messages.ERROR)

    @admin.action(description="Assign to me", permissions=["judge"])
    def assign_to_me(self, request: HttpRequest, queryset: QuerySet[ReviewCase]) -> None:
        self._assign(request, queryset, request.user.get_username())

    @admin.action(description="Assign to the user in the field", permissions=["judge"])
    def assign_to_named(self, request: HttpRequest, queryset: QuerySet[ReviewCase]) -> None:
        name = request.POST.get("reason", "").strip()
        if "\x00" in name or not may_review(username=name):
            self.message_user(request, "No reviewer of that name in this organisation.", messages.ERROR)
            return
        self._assign(request, queryset, name)

    @admin.action(description="Unassign", permissions=["judge"])
    def assign_to_nobody(self, request: HttpRequest, queryset: QuerySet[ReviewCase]) -> None:
        self._assign(request, queryset, "")

    def _assign(self, request: HttpRequest, queryset: QuerySet[ReviewCase], to: str) -> None:
        count = operations.assign(
            organisation=opened(request).id,
            by=staff_actor(request),
            decisions=self._chosen(queryset),
            to=to,
        )
        self.message_user(request, f"{count} assigned to {to}." if to else f"{count} unassigned.")

    def _chosen(self, queryset: QuerySet[ReviewCase]) -> Sequence[UUID]:
        return list(queryset.order_by("decision_id").values_list("decision_id", flat=True)[:BULK])

    def _review(self, request: HttpRequest, decision: UUID, verdict: Verdict) -> Reviewed:
        return operations.review(
            organisation=opened(request).id,
            by=staff_actor(request),
            decision=decision,
            verdict=verdict,
            reason=request.POST.get("reason", "").replace("\x00", "")[: operations.MAX_REASON],
        )

    def _open_next(self, request: HttpRequest, after: UUID | None) -> HttpResponse:
        decision = get_next(
            organisation=opened(request).id, reviewer=request.user.get_username(), after=after
        )
        if decision is None:
            self.message_user(request, "All caught up.")
            return HttpResponseRedirect(reverse("admin:accountability_reviewcase_changelist"))
        return HttpResponseRedirect(review_page(decision))

    def _check(self, request: HttpRequest) -> None:
        if not self.has_judge_permission(request) or getattr(request, "organisation", None) is None:
            raise PermissionDenied
