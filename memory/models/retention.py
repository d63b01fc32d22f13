"""Retention rules, and the legal holds that win over them."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from liftos.kernel.tenancy.models import OwnedRow


class OfMemories(OwnedRow):
    """A base for rows that apply to memories of a type, a source and a scope; null stands for all."""

    name = models.CharField(max_length=100)
    memory_type = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001  a type may be empty
    source = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001  as may a source
    # of memories with this access scope; null for all
    of_scope = models.IntegerField(null=True, blank=True)
    recorded_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class RetentionRule(OfMemories):
    """A rule on the time that memories are kept after they were recorded, and on their end."""

    ttl_seconds = models.FloatField()
    action = models.CharField(max_length=10, choices=[("expire", "expire"), ("erase", "erase")])

    class Meta:
        verbose_name = "retention rule"
        ordering = ("name",)
        constraints = [
            models.UniqueConstraint(fields=["organisation", "name"], name="retention_rule_once"),
            models.CheckConstraint(
                condition=models.Q(action__in=["expire", "erase"]), name="retention_rule_action_known"
            ),
            models.CheckConstraint(condition=models.Q(ttl_seconds__gt=0), name="retention_rule_keeps"),
        ]


class LegalHold(OfMemories):
    """Memories that must not be erased or expire while it stands; `memories` names some, empty for all."""

    reason = models.TextField(blank=True)
    memories = ArrayField(models.UUIDField(), default=list, blank=True)

    class Meta:
        verbose_name = "legal hold"
        ordering = ("name",)
        constraints = [models.UniqueConstraint(fields=["organisation", "name"], name="legal_hold_once")]
