"""The log: pending records, leaves, tree nodes, checkpoints and their deliveries."""

from django.db import models
from django.db.models.functions import Now

from accountability.models.decisions import DecisionRecord
from liftos.kernel.tenancy.models import Organisation, organisation_key


class LedgerPending(models.Model):
    """A record without a place in the log yet: inserted with the record, deleted by the sequencer."""

    decision = models.OneToOneField(
        DecisionRecord, on_delete=models.DO_NOTHING, primary_key=True, db_constraint=False
    )
    organisation = organisation_key()
    leaf_hash = models.BinaryField(max_length=32)

    class Meta:
        indexes = [models.Index(fields=["organisation", "decision"], name="pending_in_order")]


class LedgerLeaf(models.Model):
    """A record's place in its organisation's log. Insert-only."""

    pk = models.CompositePrimaryKey("organisation_id", "index")
    organisation = organisation_key()
    index = models.BigIntegerField()
    decision = models.ForeignKey(
        DecisionRecord, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    leaf_hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "decision"], name="leaf_once")]


class LedgerNode(models.Model):
    """The hash over a complete subtree of 2^level leaves, level 1 and up. Insert-only: a complete subtree never changes."""

    pk = models.CompositePrimaryKey("organisation_id", "level", "index")
    organisation = organisation_key()
    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)


class LedgerCheckpoint(models.Model):
    """A signed tree head (C2SP checkpoint). Insert-only; the newest one is the log's state."""

    pk = models.CompositePrimaryKey("organisation_id", "size")
    organisation = organisation_key()
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    text = models.TextField()
    recorded_at = models.DateTimeField(db_default=Now())


class LedgerDelivery(models.Model):
    """The size up to which an organisation's checkpoints have been published, per destination."""

    pk = models.CompositePrimaryKey("organisation_id", "destination")
    organisation = organisation_key()
    destination = models.CharField(max_length=10)
    size = models.BigIntegerField()
    leased_until = models.DateTimeField(null=True)


class LedgerRule(models.Model):
    """The size of a log when the database began to date its records; logs without a row were dated from the start.

    Written by a migration; the application may only read it.
    """

    organisation = models.OneToOneField(
        Organisation, on_delete=models.DO_NOTHING, primary_key=True, db_constraint=False
    )
    size = models.BigIntegerField()
    recorded_at = models.DateTimeField(db_default=Now())
