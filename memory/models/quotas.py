"""Quotas, and the usage that a trigger counts."""

from django.db import models
from django.db.models.functions import Now

from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.models import Organisation


class QuotaRow(models.Model):
    """The quota of an organisation, a principal or an actor; a missing limit is none."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    whose = models.CharField(
        max_length=230,
        default="organisation",
        help_text="organisation, principal:NAME, api_key:ID or gateway:USER",
    )
    memories = models.PositiveBigIntegerField(null=True, blank=True)
    bytes = models.PositiveBigIntegerField(null=True, blank=True)
    searches_per_day = models.PositiveBigIntegerField(null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "whose"], name="quota_once")]
        verbose_name = "quota"

    def __str__(self) -> str:
        return f"quota of {self.whose}"


class UsagePart(models.Model):
    """A part of what an owner has stored, in parts for the reason of `CorpusCounter`.

    A trigger on memories writes it, so that no way of storing or erasing is left out; the application may only read it.
    """

    pk = models.CompositePrimaryKey("organisation_id", "whose", "part")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    whose = models.CharField(max_length=230)
    part = models.SmallIntegerField()
    memories = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"part {self.part} of the usage of {self.whose}"
