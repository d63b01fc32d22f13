"""Outcomes of decisions, for calibration and for reading them with their decision; what they say is in their records."""

from django.db import models
from django.db.models.functions import Now

from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.tenancy.models import OwnedRow


class DecisionOutcome(OwnedRow):
    """One outcome of a decision; its id is its record's. Value and note are in the record's payload, where erasure finds them."""

    decision_id = models.UUIDField()
    # how right the decision was, null if the value does not say
    rightness = models.FloatField(null=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    # the decision's
    scope_id = models.IntegerField(db_default=ORGANISATION_SCOPE)

    class Meta:
        db_table = "accountability_outcome"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(rightness=None) | models.Q(rightness__gte=0, rightness__lte=1),
                name="outcome_rightness_is_a_share",
            )
        ]
        indexes = [
            models.Index(fields=["organisation", "decision_id", "at"], name="outcome_of_decision"),
            # for the daily question whether there are new ones
            models.Index(fields=["organisation", "recorded_at"], name="outcome_by_recording"),
        ]

    def __str__(self) -> str:
        return f"Outcome of {self.decision_id}"
