"""Stored traces, and figures of operations by minute and hour."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from liftos.kernel.tenancy.models import OwnedRow, organisation_key


class TraceRecord(OwnedRow):
    """A root span (a request, a task) and its descendants in one process. A trace may have several. Never updated.

    `spans` is a list of objects: span_id, parent_id, name, level, start_ns (since `started_at`), duration_ns,
    status, error_type, tags. Error messages are not stored: they may quote content that erasure would not reach.
    """

    trace_id = models.CharField(max_length=32)
    correlation_id = models.CharField(max_length=128)
    name = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    duration_ms = models.FloatField()
    status = models.CharField(max_length=5)
    spans = models.JSONField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "trace_id"], name="trace_by_id"),
            models.Index(fields=["organisation", "recorded_at"], name="trace_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.trace_id}"


class OperationFigures(models.Model):
    """Figures of one operation of one organisation in a period.

    `buckets` counts durations by the bounds of `liftos.kernel.telemetry.metrics.minutes.BOUNDS_MS`, the last bucket those
    above; for a busy minute it is an estimate from the last 1,000 durations of each process.
    """

    organisation = organisation_key()
    operation = models.CharField(max_length=200)
    count = models.BigIntegerField()
    failures = models.BigIntegerField()
    total_ms = models.FloatField()
    max_ms = models.FloatField()
    buckets = ArrayField(models.BigIntegerField())

    class Meta:
        abstract = True


class OperationMinute(OperationFigures):
    """One process's figures of a minute; overwritten with higher totals while the minute lasts."""

    pk = models.CompositePrimaryKey("organisation_id", "minute", "operation", "process")
    minute = models.DateTimeField()
    process = models.UUIDField()


class OperationHour(OperationFigures):
    """Figures of an hour over all processes, recomputed from its minutes while more may arrive."""

    pk = models.CompositePrimaryKey("organisation_id", "hour", "operation")
    hour = models.DateTimeField()
