"""The queue of decisions to review, and one page for each."""

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

from accountability.admin.chain_diagram import draw_chain
from accountability.admin.parts import ERASED, draw_receipt, payload_of
from accountability.admin.review_parts import (
    decision_page,
    draw_reviews,
    draw_since,
    review_page,
    verdict_form,
)
from accountability.admin.review_queue import RISKS, AssignedFilter, QueueChangeList, RiskFilter, StateFilter
from accountability.decisions.chains import get_chain
from accountability.models.reviews import NO_CONFIDENCE, ReviewCase
from accountability.reviews import operations
from accountability.reviews.queries import get_next
from accountability.types import Because, Reviewed, ReviewState, Verdict
from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import staff_actor
from liftos.kernel.admin.parts import ReadOnly, UncountedPaginator, as_text, drawn_once, one_of
from liftos.kernel.errors import LiftosError
from liftos.kernel.tenancy.roles_backend import may_review

# of a bulk action, so many decisions at a time: each is a verdict with its own record and reversal
BULK = 200
# why a decision is in the queue, before its risk class
_WHY = {
    Because.RISK: "",
    Because.CONFIDENCE: "low confidence, ",
    Because.SAMPLE: "sample, ",
    Because.HAND: "requested, ",
}
_TOLD = {
    ReviewState.APPROVED: "Approved.",
    ReviewState.OVERTURNED: "Overturned.",
    ReviewState.WAITING_INFORMATION: "Asked for information.",
    ReviewState.WAITING_SECOND: "Noted: a second reviewer has to agree.",
}


class BulkForm(ActionForm):
    """The reason of a verdict, or who is to judge, beside the choice of a bulk action."""

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
class ReviewCaseAdmin(ReadOnly, ModelAdmin):
    list_display = ("risk", "sure", "operation", "point", "because", "state_shown", "assigned_to", "decided")
    list_display_links = ("operation", "risk")
    list_filter = (StateFilter, RiskFilter, AssignedFilter, one_of("because", Because))
    list_select_related = ("decision",)
    list_per_page = 25  # the theme's templates, not the database, are what a row costs
    search_fields = ("decision_point",)  # shows the box; get_search_results looks it up
    search_help_text = "Whole decision point"
    sortable_by = ("risk", "sure", "point", "decided")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = UncountedPaginator
    action_form = BulkForm
    actions = (
        _judge_all(Verdict.APPROVE, "Approve"),
        _judge_all(Verdict.OVERTURN, "Overturn (with a reason)"),
        _judge_all(Verdict.INFORMATION, "Ask for information (with a reason)"),
        "assign_to_me",
        "assign_to_named",
        "assign_to_nobody",
    )
    actions_list = ("review_next",)
    list_disable_select_all = True
    readonly_fields = (
        "verdict", "standing", "operation", "reasoning", "sure", "since", "said", "chain", "inputs", "receipt", "outputs",
        "alternatives", "record",
    )  # fmt: skip

    class Media:
        js = ("accountability/review.js",)

    # --- who may what ---------------------------------------------------------------------------

    def has_judge_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Tell whether the person gives verdicts here; change itself is nobody's: nothing is changed by the form."""
        return request.user.has_perm("accountability.change_reviewcase")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_judge_permission(request) or request.user.has_perm("accountability.view_reviewcase")

    # --- the list -------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return QueueChangeList

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReviewCase]:
        found = super().get_queryset(request)
        organisation = getattr(request, "organisation", None)
        if organisation is not None:
            # row security says the same, but as a value the planner knows how many rows it means
            found = found.filter(organisation_id=organisation.id)
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[ReviewCase], search_term: str
    ) -> tuple[QuerySet[ReviewCase], bool]:
        return (queryset.filter(decision_point=search_term) if search_term else queryset), False

    @admin.display(description="Risk", ordering="rank")
    def risk(self, case: ReviewCase) -> str:
        return RISKS[case.rank]

    @admin.display(description="Confidence", ordering="sureness")
    def sure(self, case: ReviewCase) -> str:
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
        top = ["operation", "reasoning", "sure", "since", "said", "standing"]
        if self.has_judge_permission(request) and obj is not None and obj.state != ReviewState.OVERTURNED:
            top = ["verdict", *top]
        return (
            (None, {"fields": top}),
            ("Inputs and outcome", {"fields": ("inputs", "receipt", "outputs", "alternatives")}),
            ("The record", {"fields": ("chain", "record")}),
        )

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> ReviewCase | None:
        found: ReviewCase | None = super().get_object(request, object_id, from_field)
        if found is not None:
            # with the payload, which the list does without
            rows = ReviewCase.objects.select_related("decision", "decision__payload")
            found = rows.get(organisation_id=found.organisation_id, pk=found.pk)
        return found

    @drawn_once
    def verdict(self, case: ReviewCase) -> SafeString:
        return verdict_form(case.decision_id)

    @admin.display(description="Review")
    def standing(self, case: ReviewCase) -> str:
        whose = f", assigned to {case.assigned_to}" if case.assigned_to else ""
        undone = ""
        if case.reversal:
            undone = f". Reversed by {case.reversal['operation']}: {case.reversal['changed']} changed, "
            undone += f"{case.reversal['left_alone']} left as they are"
        return f"{case.get_state_display().capitalize()}: {_WHY[Because(case.because)]}{RISKS[case.rank]} risk{whose}{undone}"

    def reasoning(self, case: ReviewCase) -> str:
        return payload_of(case.decision).get("reasoning", ERASED)

    @admin.display(description="What changed since")
    @drawn_once
    def since(self, case: ReviewCase) -> SafeString | str:
        return draw_since(case.decision)

    @admin.display(description="Previous verdicts")
    @drawn_once
    def said(self, case: ReviewCase) -> SafeString | str:
        return draw_reviews(case.organisation_id, case.decision_id)

    @drawn_once
    def inputs(self, case: ReviewCase) -> SafeString:
        return as_text(payload_of(case.decision).get("inputs", ERASED))

    @admin.display(description="Memories used")
    @drawn_once
    def receipt(self, case: ReviewCase) -> SafeString | str:
        payload = payload_of(case.decision)
        return draw_receipt(payload["memories"]) if payload else ERASED

    @drawn_once
    def outputs(self, case: ReviewCase) -> SafeString:
        return as_text(payload_of(case.decision).get("outputs", ERASED))

    @admin.display(description="Alternatives rejected")
    @drawn_once
    def alternatives(self, case: ReviewCase) -> SafeString:
        return as_text(payload_of(case.decision).get("alternatives", ERASED))

    @drawn_once
    def chain(self, case: ReviewCase) -> SafeString:
        steps = get_chain(organisation=case.organisation_id, decision=case.decision_id, limit=50)
        return draw_chain(steps, decision_page)

    @admin.display(description="Whole record, with proof and trace")
    def record(self, case: ReviewCase) -> SafeString:
        return format_html('<a href="{}">{}</a>', decision_page(case.decision_id), case.decision_id)

    # --- what is done ---------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        name = "accountability_reviewcase"
        return [
            path("next/", wrap(self.following), name=f"{name}_following"),
            path("<id:decision>/ask/", wrap(self.ask), name=f"{name}_ask"),
            path("<id:decision>/judge/<slug:how>/", wrap(self.judge), name=f"{name}_judge"),
            *super().get_urls(),
        ]

    def judge(self, request: HttpRequest, decision: UUID, how: str) -> HttpResponse:
        """Give a verdict, and go on to the next decision."""
        self._check(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if how not in list(Verdict):
            self.message_user(request, "There is no such verdict.", messages.ERROR)
            return HttpResponseRedirect(review_page(decision))
        try:
            done = self._review(request, decision, Verdict(how))
        except LiftosError as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(review_page(decision))
        undone = f" {done.reversal['changed']} taken back." if done.reversal else ""
        self.message_user(request, _TOLD[done.state] + undone)
        return self._go_on(request, decision)

    def following(self, request: HttpRequest) -> HttpResponse:
        """Go to the decision that this person should look at next."""
        self._check(request)
        try:
            after = UUID(request.GET.get("after", ""))
        except ValueError:
            after = None
        return self._go_on(request, after)

    def ask(self, request: HttpRequest, decision: UUID) -> HttpResponse:
        """Put a decision into the queue that the rules did not."""
        self._check(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            operations.ask_for_review(
                organisation=opened(request).id,
                by=staff_actor(request),
                decision=decision,
            )
        except LiftosError as error:
            self.message_user(request, error.message, messages.ERROR)
            return HttpResponseRedirect(decision_page(decision))
        return HttpResponseRedirect(review_page(decision))

    @action(description="Review the next", url_path="start", permissions=["judge"], icon="play_arrow")
    def review_next(self, request: HttpRequest) -> HttpResponse:
        return self._go_on(request, None)

    def judge_many(self, request: HttpRequest, queryset: QuerySet[ReviewCase], verdict: Verdict) -> None:
        """Give one verdict on several decisions; those that can't be judged so are told, and lose only themselves."""
        refused: dict[str, int] = {}
        states: dict[ReviewState, int] = {}
        for decision in self._chosen(queryset):
            try:
                done = self._review(request, decision, verdict)
            except LiftosError as error:
                refused[error.message] = refused.get(error.message, 0) + 1
            else:
                states[done.state] = states.get(done.state, 0) + 1
        for state, count in states.items():
            self.message_user(request, f"{count}: {_TOLD[state]}")
        for message, count in refused.items():
            self.message_user(request, f"{count} not: {message}", messages.ERROR)

    @admin.action(description="Assign to me", permissions=["judge"])
    def assign_to_me(self, request: HttpRequest, queryset: QuerySet[ReviewCase]) -> None:
        self._assign(request, queryset, request.user.get_username())

    @admin.action(description="Assign to whom the field names", permissions=["judge"])
    def assign_to_named(self, request: HttpRequest, queryset: QuerySet[ReviewCase]) -> None:
        name = request.POST.get("reason", "").strip()
        if "\x00" in name or not may_review(username=name):
            self.message_user(request, "Nobody of that name reviews decisions here.", messages.ERROR)
            return
        self._assign(request, queryset, name)

    @admin.action(description="Assign to nobody", permissions=["judge"])
    def assign_to_nobody(self, request: HttpRequest, queryset: QuerySet[ReviewCase]) -> None:
        self._assign(request, queryset, "")

    def _assign(self, request: HttpRequest, queryset: QuerySet[ReviewCase], to: str) -> None:
        count = operations.assign(
            organisation=opened(request).id,
            by=staff_actor(request),
            decisions=self._chosen(queryset),
            to=to,
        )
        self.message_user(request, f"{count} assigned to {to or 'nobody'}.")

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

    def _go_on(self, request: HttpRequest, after: UUID | None) -> HttpResponse:
        found = get_next(
            organisation=opened(request).id,
            reviewer=request.user.get_username(),
            after=after,
        )
        if found is None:
            self.message_user(request, "All caught up.")
            return HttpResponseRedirect(reverse("admin:accountability_reviewcase_changelist"))
        return HttpResponseRedirect(review_page(found))

    def _check(self, request: HttpRequest) -> None:
        if not self.has_judge_permission(request) or getattr(request, "organisation", None) is None:
            raise PermissionDenied
