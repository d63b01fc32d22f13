"""Idempotency keys with the answers of their requests."""

from django.db import models
from django.db.models.functions import Now

from liftos.kernel.tenancy.models import organisation_key


class IdempotencyKey(models.Model):
    """A caller's key, its request's fingerprint and answer. Written in the transaction it guards."""

    pk = models.CompositePrimaryKey("organisation_id", "actor", "key")
    organisation = organisation_key()
    actor = models.CharField(max_length=258)
    key = models.CharField(max_length=200)
    fingerprint = models.BinaryField(max_length=32)
    status = models.SmallIntegerField(null=True)
    body = models.JSONField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["organisation", "recorded_at"], name="idempotency_by_age")]
