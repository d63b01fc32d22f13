"""The memory's own care: proposals, facts by which changed values are found, and how far each search for them has come."""

from django.db import models
from django.db.models.functions import Now

from liftos.kernel.tenancy.models import organisation_key
from memory.care_types import Kind, ProposalState
from memory.models.memories import Scoped


class Proposal(Scoped):
    """A change of what is stored that somebody accepts or declines. Its id is that of its decision record.

    Foreign keys in the database delete it with either memory. A declined pair stays, and is never proposed again.
    """

    id = models.UUIDField(primary_key=True)
    organisation = organisation_key()
    kind = models.CharField(max_length=20, choices=[(each.value, each.label) for each in Kind])
    # the memory to be retired or contested, and the one that stays; the same where only one is concerned
    memory_id = models.UUIDField()
    other_id = models.UUIDField()
    memory_version = models.IntegerField()
    other_version = models.IntegerField()
    state = models.CharField(
        max_length=10,
        default=ProposalState.OPEN.value,
        choices=[(each.value, each.value) for each in ProposalState],
    )
    confidence = models.FloatField()
    reason = models.CharField(max_length=300)
    recorded_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True)
    settled_by = models.UUIDField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "memory_id", "other_id"], name="proposal_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=[each.value for each in Kind]), name="proposal_kind_known"
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=[each.value for each in ProposalState]),
                name="proposal_state_known",
            ),
            models.CheckConstraint(
                condition=models.Q(confidence__gte=0, confidence__lte=1),
                name="proposal_confidence_is_a_probability",
            ),
        ]
        indexes = [
            models.Index(fields=["organisation", "state", "id"], name="proposal_by_state"),
            # for the cascade of an erasure
            models.Index(fields=["organisation", "other_id"], name="proposal_by_other"),
        ]

    def __str__(self) -> str:
        return f"Proposal {self.id}"


class FactKey(Scoped):
    """A keyed hash of the subject and attribute of which a memory states a value. Deleted with the memory, by a foreign key."""

    pk = models.CompositePrimaryKey("organisation_id", "key", "memory_id")
    organisation = organisation_key()
    key = models.BigIntegerField()
    memory_id = models.UUIDField()

    class Meta:
        db_table = "memory_factkey"
        indexes = [models.Index(fields=["organisation", "memory_id"], name="fact_by_memory")]


class CareCursor(Scoped):
    """The place that a search for proposals has reached among the memories of a scope, in the order of their changes."""

    pk = models.CompositePrimaryKey("organisation_id", "kind", "scope_id")
    organisation = organisation_key()
    kind = models.CharField(max_length=20)
    changed_at = models.DateTimeField()
    memory_id = models.UUIDField()
    # whether the last run came to the end
    is_complete = models.BooleanField(default=False)
