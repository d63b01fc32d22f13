"""Review cases, indexed for the queue, and each organisation's review policy.

The verdicts themselves are ledger records (`decision.review`); these rows can be rebuilt from them.
"""

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now

from accountability.types import TO_DO, Because, Effect, Policy, ReviewState, RiskClass
from liftos.kernel.db.constraints import known_values
from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.tenancy.models import Organisation, organisation_key

RANKS = {RiskClass.HIGH: 1, RiskClass.LIMITED: 2, RiskClass.MINIMAL: 3}
# sorts decisions without a confidence after all others
NO_CONFIDENCE = 2.0

_is_to_do = models.Q(state__in=[each.value for each in TO_DO])


def _default_risks() -> list[str]:
    return list(Policy().risk_classes)


def _default_effects() -> list[str]:
    return list(Policy().effects)


def _default_second() -> list[str]:
    return list(Policy().second_reviewer)


class ReviewCase(models.Model):
    """A decision queued for review, or reviewed. Its sort keys never change, so a page's last row is a valid cursor."""

    decision = models.OneToOneField(
        "accountability.DecisionRecord",
        on_delete=models.DO_NOTHING,
        primary_key=True,
        related_name="review_case",
        db_constraint=False,
    )
    organisation = organisation_key()
    state = models.CharField(
        max_length=20,
        default=ReviewState.OPEN,
        choices=[(s.value, s.value.replace("_", " ")) for s in ReviewState],
    )
    because = models.CharField(max_length=20)
    rank = models.SmallIntegerField()
    sureness = models.FloatField()
    decision_point = models.CharField(max_length=100)
    assigned_to = models.CharField(max_length=200, blank=True)
    # the review that ended the last round; later ones belong to the current round
    settled_by = models.UUIDField(null=True)
    reversal = models.JSONField(null=True)
    opened_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())
    # the decision's
    scope_id = models.IntegerField(db_default=ORGANISATION_SCOPE)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "decision"], name="review_case_of_organisation"),
            known_values("state", ReviewState, "review_state_known"),
            known_values("because", Because, "review_because_known"),
            models.CheckConstraint(condition=models.Q(rank__gte=1, rank__lte=3), name="review_rank_known"),
        ]
        # one per order of the queue, over the reviews still to do
        indexes = [
            models.Index(
                fields=["organisation", "rank", "sureness", "decision"],
                name="review_by_risk",
                condition=_is_to_do,
            ),
            models.Index(
                fields=["organisation", "sureness", "decision"],
                name="review_by_confidence",
                condition=_is_to_do,
            ),
            models.Index(fields=["organisation", "decision"], name="review_by_age", condition=_is_to_do),
            models.Index(
                fields=["organisation", "decision_point", "decision"],
                name="review_by_point",
                condition=_is_to_do,
            ),
            models.Index(
                fields=["organisation", "assigned_to", "rank", "sureness", "decision"],
                name="review_by_assignee",
                condition=_is_to_do & ~models.Q(assigned_to=""),
            ),
            # for calibration and the list of settled reviews
            models.Index(fields=["organisation", "decision"], name="review_settled", condition=~_is_to_do),
        ]
        verbose_name = "decision to review"
        verbose_name_plural = "decisions to review"

    def __str__(self) -> str:
        return f"Review of {self.decision_id}"


class ReviewPolicy(models.Model):
    """An organisation's review policy; without a row the defaults of `Policy` apply."""

    organisation = models.OneToOneField(
        Organisation, on_delete=models.CASCADE, primary_key=True, related_name="review_policy"
    )
    risk_classes = ArrayField(models.CharField(max_length=20), default=_default_risks, blank=True)
    confidence_below = models.FloatField(
        default=Policy().confidence_below, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    effects = ArrayField(models.CharField(max_length=20), default=_default_effects, blank=True)
    sample_share = models.FloatField(
        default=Policy().sample_share, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    second_reviewer = ArrayField(models.CharField(max_length=20), default=_default_second, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(confidence_below__gte=0, confidence_below__lte=1),
                name="policy_confidence_is_a_probability",
            ),
            models.CheckConstraint(
                condition=models.Q(sample_share__gte=0, sample_share__lte=1), name="policy_sample_is_a_share"
            ),
            models.CheckConstraint(
                condition=models.Q(risk_classes__contained_by=[each.value for each in RiskClass]),
                name="policy_risk_classes_known",
            ),
            models.CheckConstraint(
                condition=models.Q(second_reviewer__contained_by=[each.value for each in RiskClass]),
                name="policy_second_reviewer_known",
            ),
            models.CheckConstraint(
                condition=models.Q(effects__contained_by=[each.value for each in Effect]),
                name="policy_effects_known",
            ),
        ]
        verbose_name = "review policy"
        verbose_name_plural = "review policy"

    def __str__(self) -> str:
        return "Review policy"
