"""The outbox: events written in the transaction of the change they describe; the relay's positions; webhooks."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from liftos.kernel.db.constraints import known_values
from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.outbox.types import DeliveryState, envelope
from liftos.kernel.tenancy.models import OwnedRow


class OutboxEvent(OwnedRow):
    """One event in the CloudEvents 1.0 form, committed with its cause; the relay numbers it later."""

    type = models.CharField(max_length=100)
    source = models.CharField(max_length=200)
    subject = models.CharField(max_length=200)
    data = models.JSONField()
    correlation_id = models.CharField(max_length=128)
    traceparent = models.CharField(max_length=55)
    recorded_at = models.DateTimeField(db_default=Now())
    scope_id = models.IntegerField(db_default=ORGANISATION_SCOPE)
    # of events from outside: their sender's id, other attributes, and the memory that they became
    external_id = models.CharField(max_length=200, blank=True, db_default="", editable=False)
    attributes = models.JSONField(db_default=models.Value({}, models.JSONField()), editable=False)
    memory_id = models.UUIDField(null=True, editable=False)
    # drawn from a sequence of the database when the row is written; empty in rows from before there was a relay
    written = models.BigIntegerField(null=True, editable=False)
    # by the relay, consecutive in the organisation; empty until then
    sequence = models.BigIntegerField(null=True, editable=False)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "id"], name="outbox_in_order"),
            models.Index(
                fields=["organisation", "written", "id"],
                condition=models.Q(sequence=None),
                name="outbox_waiting",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["organisation", "sequence"], name="outbox_sequence_once"),
            models.UniqueConstraint(
                fields=["organisation", "source", "external_id"],
                condition=~models.Q(external_id=""),
                name="outbox_arrives_once",
            ),
        ]
        verbose_name = "event"

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"

    def envelope(self) -> dict[str, Any]:
        """Return the event as a CloudEvents 1.0 JSON object."""
        return envelope(
            id=self.id, type=self.type, source=self.source, subject=self.subject, at=self.recorded_at, data=self.data,
            correlation_id=self.correlation_id, traceparent=self.traceparent, sequence=self.sequence,
            external_id=self.external_id, attributes=self.attributes,
        )  # fmt: skip


class Stream(OwnedRow):
    """The last number that the relay gave to an organisation's events."""

    last = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation"], name="stream_once")]


class Cursor(OwnedRow):
    """The last event of an organisation that a subscriber has handled."""

    subscriber = models.CharField(max_length=100)
    position = models.BigIntegerField(default=0)
    failures = models.IntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    # the kind of the last error, without its text
    error = models.CharField(max_length=100, blank=True, db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "subscriber"], name="cursor_once"),
        ]


class Webhook(OwnedRow):
    """A receiver of events outside, by the Standard Webhooks specification.

    It has the authority of whoever last changed it, limited to what that one may see and read at the time of sending.
    """

    url = models.CharField(max_length=2_000)
    description = models.CharField(max_length=200, blank=True)
    events = ArrayField(models.CharField(max_length=100))
    filters = models.JSONField(null=True)
    owner_kind = models.CharField(max_length=20, editable=False)
    owner_id = models.CharField(max_length=200, editable=False)
    acts_as = models.UUIDField(null=True, editable=False)
    # the groups that its token stated; None if the stored memberships count
    groups = ArrayField(models.UUIDField(), null=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=40), editable=False)
    # events up to this number are not sent
    since = models.BigIntegerField(default=0, editable=False)
    # the secrets are derived from these (liftos.kernel.outbox.webhooks.signing)
    salt = models.CharField(max_length=32, editable=False)
    former_salt = models.CharField(max_length=32, blank=True, db_default="", editable=False)
    former_until = models.DateTimeField(null=True, editable=False)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)
    paused_at = models.DateTimeField(null=True, editable=False)
    disabled_at = models.DateTimeField(null=True, editable=False)
    # failed attempts since the last success
    failures = models.IntegerField(db_default=0, editable=False)
    # nothing is sent before this time
    due_at = models.DateTimeField(db_default=Now(), editable=False)
    # a sender works for one receiver at a time
    lease_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        indexes = [models.Index(fields=["organisation", "id"], name="webhook_in_order")]

    def __str__(self) -> str:
        return self.url


class Delivery(OwnedRow):
    """One event for one webhook: waiting, delivered or given up, with the outcome of the last attempt."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event_id = models.UUIDField()
    sequence = models.BigIntegerField()
    type = models.CharField(max_length=100)
    subject = models.CharField(max_length=200)
    scope_id = models.IntegerField(db_default=ORGANISATION_SCOPE)
    state = models.CharField(max_length=20, default=DeliveryState.PENDING.value)
    attempts = models.IntegerField(default=0)
    recorded_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField(db_default=Now())
    attempted_at = models.DateTimeField(null=True)
    # of the last attempt
    status = models.IntegerField(null=True)
    error = models.CharField(max_length=300, blank=True, db_default="")
    answer = models.TextField(blank=True, db_default="")
    duration_ms = models.FloatField(null=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["organisation", "webhook", "id"], name="delivery_in_order"),
            models.Index(
                fields=["organisation", "webhook", "sequence"],
                condition=models.Q(state="pending"),
                name="delivery_pending",
            ),
            models.Index(
                fields=["organisation", "webhook", "subject", "sequence"],
                condition=models.Q(state="pending"),
                name="delivery_of_subject",
            ),
        ]
        constraints = [known_values("state", DeliveryState, "delivery_state_known")]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"
