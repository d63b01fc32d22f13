"""The turns of conversations, in order."""

from django.db import models

from liftos.kernel.tenancy.models import Organisation
from memory.models.memories import Memory, Scoped


class ConversationTurn(Scoped):
    """A memory's place in its thread."""

    pk = models.CompositePrimaryKey("organisation_id", "thread", "scope_id", "number")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    thread = models.CharField(max_length=200)
    number = models.PositiveIntegerField()
    memory = models.ForeignKey(
        Memory, on_delete=models.CASCADE, related_name="turns", db_constraint=False, db_index=False
    )
    role = models.CharField(max_length=100)
    name = models.CharField(max_length=200, blank=True)
    # for an extractor, if one is configured (memory/conversations/extraction)
    waits = models.BooleanField(default=False, db_default=False)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)
    leased_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # workers query only turns that wait
            models.Index(
                fields=["organisation", "thread"], name="turn_waiting", condition=models.Q(waits=True)
            )
        ]
        constraints = [models.UniqueConstraint(fields=["organisation", "memory"], name="turn_of_memory_once")]

    def __str__(self) -> str:
        return f"turn {self.number} of {self.thread}"
