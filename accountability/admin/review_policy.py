"""The review policy in the admin."""

from django.contrib import admin
from django.forms import ModelForm, MultipleChoiceField
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accountability.models.reviews import ReviewPolicy
from accountability.reviews.policy import set_policy
from accountability.types import Effect, Policy, RiskClass
from liftos.kernel.admin.middleware import opened
from liftos.kernel.admin.on_record import OnRecord, staff_actor
from liftos.kernel.admin.one_each import OneEach


def _choice(values: type[RiskClass] | type[Effect], text: str) -> MultipleChoiceField:
    return MultipleChoiceField(
        choices=[(each.value, each.value) for each in values],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=text,
    )


class ReviewPolicyForm(ModelForm):
    risk_classes = _choice(RiskClass, "Review every decision of these classes.")
    effects = _choice(Effect, "Review decisions with these effects whose confidence is below the threshold.")
    second_reviewer = _choice(RiskClass, "Two reviewers must agree on decisions of these classes.")

    class Meta:
        model = ReviewPolicy
        fields = ("risk_classes", "confidence_below", "effects", "sample_share", "second_reviewer")


@admin.register(ReviewPolicy)
class ReviewPolicyAdmin(OneEach, OnRecord, ModelAdmin):
    """One row per organisation; without it the defaults of `Policy` apply."""

    form = ReviewPolicyForm
    list_display = ("__str__", *ReviewPolicyForm.Meta.fields)

    def save_model(self, request: HttpRequest, obj: ReviewPolicy, form: ModelForm, change: bool) -> None:
        obj.organisation = opened(request)
        set_policy(
            organisation=obj.organisation_id,
            by=staff_actor(request),
            policy=Policy.from_attributes(obj),
        )
