"""The rules of what is reviewed, in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.forms import ModelForm, MultipleChoiceField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accountability.reviews.models import ReviewPolicy
from accountability.reviews.policy import set_policy
from accountability.reviews.types import Policy
from accountability.types import Effect, RiskClass
from liftos.tenancy.admin_middleware import opened
from liftos.tenancy.on_record import OnRecord, staff_actor


def _choice(values: type[RiskClass] | type[Effect], text: str) -> MultipleChoiceField:
    return MultipleChoiceField(
        choices=[(each.value, each.value) for each in values],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=text,
    )


class ReviewPolicyForm(ModelForm):
    risk_classes = _choice(RiskClass, "All decisions of these classes are reviewed.")
    effects = _choice(
        Effect, "Of decisions with these effects, those whose confidence is below the bound are reviewed."
    )
    second_reviewer = _choice(RiskClass, "Two reviewers have to agree on decisions of these classes.")

    class Meta:
        model = ReviewPolicy
        fields = ("risk_classes", "confidence_below", "effects", "sample_share", "second_reviewer")


@admin.register(ReviewPolicy)
class ReviewPolicyAdmin(OnRecord, ModelAdmin):
    """One row for each organisation; without it the defaults hold."""

    form = ReviewPolicyForm
    list_display = (
        "__str__",
        "risk_classes",
        "confidence_below",
        "effects",
        "sample_share",
        "second_reviewer",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and getattr(request, "organisation", None) is not None

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        # looked up here and not among the permissions, which every page asks for
        found = self.get_queryset(request).values_list("pk", flat=True).first()
        if found is None:
            return super().add_view(request, form_url, extra_context)
        return HttpResponseRedirect(reverse("admin:accountability_reviewpolicy_change", args=[found]))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReviewPolicy]:
        return super().get_queryset(request).filter(organisation=getattr(request, "organisation", None))

    def save_model(self, request: HttpRequest, obj: ReviewPolicy, form: ModelForm, change: bool) -> None:
        obj.organisation = opened(request)
        set_policy(
            organisation=obj.organisation_id,
            by=staff_actor(request),
            policy=Policy(
                tuple(obj.risk_classes),
                obj.confidence_below,
                tuple(obj.effects),
                obj.sample_share,
                tuple(obj.second_reviewer),
            ),
        )
