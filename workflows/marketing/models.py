"""Typed rows derived from memories: of entries (entry_rows.py), so that sums are SQL over all of them, and of estimates (studies/rows.py)."""

from decimal import Decimal

from django.db import models

from liftos.kernel.db.constraints import known_values
from liftos.kernel.tenancy.models import Organisation
from memory.models import Memory
from memory.models.memories import Scoped
from workflows.marketing.studies.types import StudyKind
from workflows.marketing.types import DataSource


def _amount() -> "models.DecimalField[Decimal | None, Decimal | None]":
    """Return the field of a measure: exact as it was sent, null where the source does not say."""
    return models.DecimalField(null=True, max_digits=40, decimal_places=20)


class MarketingEntry(Scoped):
    """The report of a platform about a campaign or ad for some days."""

    pk = models.CompositePrimaryKey("organisation_id", "memory_id")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    # the id that callers of the old routes know it by
    entry_id = models.UUIDField()
    data_source = models.CharField(max_length=40)
    source_id = models.CharField(max_length=200)
    starts_on = models.DateField()
    ends_on = models.DateField()
    time_zone = models.CharField(max_length=60, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    campaign_id = models.CharField(max_length=200, blank=True)
    campaign_name = models.CharField(max_length=200, blank=True)
    channel = models.CharField(max_length=200, blank=True)
    geo = models.CharField(max_length=200, blank=True)
    spend = _amount()
    impressions = _amount()
    clicks = _amount()
    conversions = _amount()
    revenue = _amount()
    # whether searches would find its memory: neither a candidate nor rejected, superseded or expired
    counts = models.BooleanField()

    class Meta:
        db_table = "marketing_entry"
        verbose_name_plural = "marketing entries"
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "data_source", "source_id", "starts_on", "ends_on", "scope_id"],
                name="entry_once",
            ),
            models.CheckConstraint(
                condition=models.Q(starts_on__lte=models.F("ends_on")), name="entry_starts_before_its_end"
            ),
            known_values("data_source", DataSource, "entry_source_known"),
        ]
        indexes = [
            models.Index(fields=["organisation", "starts_on"], name="entry_by_start"),
            # a caller reads an entry by the id that its ingest gave
            models.Index(fields=["organisation", "entry_id"], name="entry_by_id"),
        ]

    def __str__(self) -> str:
        return f"{self.data_source} {self.source_id}, {self.starts_on}"


class MarketingEstimate(Scoped):
    """An estimate of an experiment or a model for a channel; null figures while it is planned."""

    pk = models.CompositePrimaryKey("organisation_id", "memory_id", "place")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.PROTECT, db_constraint=False, db_index=False
    )
    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    # among the estimates of its memory, from 1
    place = models.SmallIntegerField()
    kind = models.CharField(max_length=20)
    channel = models.CharField(max_length=200, blank=True)
    metric = models.CharField(max_length=200, blank=True)
    starts_on = models.DateField()
    ends_on = models.DateField()
    estimate = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    level = models.FloatField(null=True)
    # as for an entry
    counts = models.BooleanField()

    class Meta:
        db_table = "marketing_estimate"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(starts_on__lte=models.F("ends_on")), name="estimate_starts_before_its_end"
            ),
            models.CheckConstraint(
                condition=models.Q(estimate__isnull=True)
                | models.Q(low__lte=models.F("estimate"), high__gte=models.F("estimate")),
                name="estimate_in_its_interval",
            ),
            known_values("kind", StudyKind, "estimate_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.metric} of {self.channel}"
