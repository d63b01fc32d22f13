"""The outbox: events written in the transaction of the change they describe."""

from typing import Any

from django.db import models
from django.db.models.functions import Now

from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.tenancy.models import OwnedRow


class OutboxEvent(OwnedRow):
    """One event in the CloudEvents 1.0 form, committed with its cause; a relay delivers it later."""

    type = models.CharField(max_length=100)
    source = models.CharField(max_length=200)
    subject = models.CharField(max_length=200)
    data = models.JSONField()
    correlation_id = models.CharField(max_length=128)
    traceparent = models.CharField(max_length=55)
    recorded_at = models.DateTimeField(db_default=Now())
    scope_id = models.IntegerField(db_default=ORGANISATION_SCOPE)

    class Meta:
        indexes = [models.Index(fields=["organisation", "id"], name="outbox_in_order")]

    def __str__(self) -> str:
        return f"{self.type} {self.subject}"

    def envelope(self) -> dict[str, Any]:
        """Return the event as a CloudEvents 1.0 JSON object, with the distributed tracing extension."""
        return {
            "specversion": "1.0",
            "id": str(self.id),
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.recorded_at.isoformat(),
            "datacontenttype": "application/json",
            "data": self.data,
            "traceparent": self.traceparent,
            "correlationid": self.correlation_id,
        }
