"""Deletions of more memories than one transaction takes, carried out by workers."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.models import Organisation
from memory.models.memories import Scoped


class DeletionJob(Scoped):
    """The memories to erase, in the order of their erasure: `count` of them, `done` so far.

    `erased` also counts copies; `erasures` are the receipts. `is_stopped`: the caller lost the right to erase before the end.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=200)
    on_behalf_of = models.CharField(max_length=200, blank=True)
    principal = models.UUIDField(null=True)
    # the groups that its token stated; None if the stored memberships count
    groups = ArrayField(models.UUIDField(), null=True)
    reason = models.TextField(blank=True)
    memories = ArrayField(models.UUIDField())
    count = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0, db_default=0)
    erased = models.PositiveIntegerField(default=0, db_default=0)
    erasures = ArrayField(
        models.UUIDField(), default=list, db_default=models.Value([], ArrayField(models.UUIDField()))
    )
    is_stopped = models.BooleanField(default=False, db_default=False)
    recorded_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(done__lte=models.F("count")), name="deletion_done_is_of_its_count"
            )
        ]
        indexes = [
            # workers look for unfinished jobs only
            models.Index(
                fields=["organisation", "id"], name="deletion_waiting", condition=models.Q(finished_at=None)
            )
        ]

    def __str__(self) -> str:
        return f"deletion {self.id}"

    @property
    def status(self) -> str:
        """Queued, running, done, stopped or cancelled."""
        if self.cancelled_at is not None:
            return "cancelled"
        if self.is_stopped:
            return "stopped"
        if self.finished_at is not None:
            return "done"
        return "running" if self.done else "queued"
