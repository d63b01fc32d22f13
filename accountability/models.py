"""Decision records: the facts of each decision, and apart from them the payload that erasure may remove."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from liftos.ids import new_id
from liftos.tenancy.models import Organisation


class DecisionRecord(models.Model):
    """One decision. Insert-only: updates, deletes and truncation are revoked and refused by triggers."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # no foreign key in the database: every record would lock the organisation's row (row security checks it)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    operation = models.CharField(max_length=100)
    decision_point = models.CharField(max_length=100)
    subject_kind = models.CharField(max_length=50, blank=True)
    subject_id = models.CharField(max_length=200, blank=True)
    risk_class = models.CharField(max_length=20)
    effect = models.CharField(max_length=20)
    confidence = models.FloatField(null=True)
    confidence_method = models.CharField(max_length=100, blank=True)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=200)
    on_behalf_of = models.CharField(max_length=200, blank=True)
    parents = ArrayField(models.UUIDField(), default=list)
    versions = models.JSONField(default=dict)
    correlation_id = models.CharField(max_length=128)
    trace_id = models.CharField(max_length=32)
    span_id = models.CharField(max_length=16)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "id"], name="decision_of_organisation"),
            models.CheckConstraint(
                condition=models.Q(confidence=None) | models.Q(confidence__gte=0, confidence__lte=1),
                name="decision_confidence_is_a_probability",
            ),
        ]
        indexes = [
            models.Index(fields=["organisation", "correlation_id"], name="decision_by_correlation"),
            # only decisions about something are looked up by it; searches are not
            models.Index(
                fields=["organisation", "subject_kind", "subject_id"],
                name="decision_by_subject",
                condition=~models.Q(subject_id=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.id}"


class DecisionPayload(models.Model):
    """What a decision was about, in words and values. Erasure deletes it; the record stays."""

    decision = models.OneToOneField(
        DecisionRecord, on_delete=models.DO_NOTHING, primary_key=True, related_name="payload"
    )
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    reasoning = models.TextField()
    inputs = models.JSONField()
    outputs = models.JSONField()
    alternatives = models.JSONField()
    memories = models.JSONField()

    def __str__(self) -> str:
        return f"payload of {self.decision_id}"
