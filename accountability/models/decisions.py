"""Decision records: the facts of each decision and, in a table of its own, the payload, which erasure may delete."""

import json
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.tenancy.models import OwnedRow, organisation_key


class DecisionRecord(OwnedRow):
    """One decision. Insert-only: UPDATE, DELETE and TRUNCATE are revoked, and refused by triggers."""

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
    # set by a trigger
    recorded_at = models.DateTimeField()
    payload_commitment = models.BinaryField(max_length=32)
    # not in the leaf: who may read a record can be told without changing what was recorded
    scope_id = models.IntegerField(db_default=ORGANISATION_SCOPE)

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
            # ids ascend with time, so this serves "newest first" too
            models.Index(fields=["organisation", "operation", "id"], name="decision_by_operation"),
            # an audit asks for what somebody did, and with which effect
            models.Index(fields=["organisation", "actor_id", "effect", "id"], name="decision_by_actor"),
            models.Index(
                fields=["organisation", "on_behalf_of", "effect", "id"],
                name="decision_on_behalf",
                condition=~models.Q(on_behalf_of=""),
            ),
            # partial indexes for filters on rare values, which would otherwise scan a million rows; most decisions read
            models.Index(
                fields=["organisation", "id"], name="decision_deleting", condition=models.Q(effect="delete")
            ),
            models.Index(
                fields=["organisation", "id"], name="decision_writing", condition=models.Q(effect="write")
            ),
            models.Index(
                fields=["organisation", "id"],
                name="decision_at_risk",
                condition=~models.Q(risk_class="minimal"),
            ),
            models.Index(
                fields=["organisation", "id"],
                name="decision_by_hand",
                condition=~models.Q(actor_kind="api_key"),
            ),
            # searches have no subject
            models.Index(
                fields=["organisation", "subject_kind", "subject_id"],
                name="decision_by_subject",
                condition=~models.Q(subject_id=""),
            ),
            # those that not everybody in the organisation may see, for counts and for the hashes of an export
            models.Index(
                fields=["organisation", "id"],
                name="decision_private",
                condition=~models.Q(scope_id=ORGANISATION_SCOPE),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.id}"


class DecisionPayload(models.Model):
    """A decision's reasoning, inputs and results. Erasure deletes it; the record and its proof stay.

    The application's role may not delete rows: `liftos_erase_payloads` deletes those that an erasure's record lists.

    The record's leaf holds SHA-256(salt || body). The salt is erased with the payload, so erased contents can't be confirmed by
    guessing. `body` is the exact text that was hashed.
    """

    # the foreign key in the database covers both columns, so a payload can't belong to another organisation's record
    decision = models.OneToOneField(
        DecisionRecord,
        on_delete=models.DO_NOTHING,
        primary_key=True,
        related_name="payload",
        db_constraint=False,
    )
    organisation = organisation_key()
    salt = models.BinaryField(max_length=32)
    body = models.TextField()
    scope_id = models.IntegerField(db_default=ORGANISATION_SCOPE)

    @property
    def values(self) -> dict[str, Any]:
        """The parsed payload."""
        return json.loads(self.body)


class DecisionLink(models.Model):
    """One decision follows from another: the record's `parents`, indexed from both ends."""

    pk = models.CompositePrimaryKey("organisation_id", "parent_id", "child_id")
    organisation = organisation_key()
    parent_id = models.UUIDField()
    child_id = models.UUIDField()


class CitedMemory(models.Model):
    """A decision whose payload may quote a memory, for erasure to find.

    Searches are not listed: their payloads hold ids and scores alone.
    """

    pk = models.CompositePrimaryKey("organisation_id", "memory_id", "decision_id")
    organisation = organisation_key()
    memory_id = models.UUIDField()
    decision_id = models.UUIDField()


class UnlistedErasure(models.Model):
    """A payload that was erased before erasures listed the payloads they erase.

    Written by a migration; the application may only read it.
    """

    pk = models.CompositePrimaryKey("organisation_id", "decision_id")
    organisation = organisation_key()
    decision_id = models.UUIDField()
