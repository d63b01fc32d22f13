"""Documents' files, and jobs that store documents, processed by workers."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.models import Organisation
from memory.models.memories import Memory, Scoped
from memory.types import TrustState


class Document(Scoped):
    """The file that a version of a memory was read from. A memory of type `document` has one for each text that was sent."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    memory = models.ForeignKey(
        Memory, on_delete=models.CASCADE, related_name="documents", db_constraint=False, db_index=False
    )
    version = models.PositiveIntegerField()
    title = models.CharField(max_length=300, blank=True)
    name = models.CharField(max_length=300, blank=True)
    media_type = models.CharField(max_length=100)
    pages = models.PositiveIntegerField(null=True)
    characters = models.PositiveIntegerField()
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    # the original in the file store (liftos/kernel/files); empty if it was not to be kept
    file = models.CharField(max_length=32, blank=True)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "memory", "version"], name="document_of_version_once"
            )
        ]

    def __str__(self) -> str:
        return self.title or self.name or f"document {self.memory_id}"


class DocumentJob(Scoped):
    """A document to store: its file until a worker has stored it, then the result."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=200)
    on_behalf_of = models.CharField(max_length=200, blank=True)
    # who sent it, if that is known
    principal = models.UUIDField(null=True)
    # the groups that its token stated; None if the stored memberships count
    groups = ArrayField(models.UUIDField(), null=True)
    trust = models.CharField(max_length=20, default=TrustState.ACTIVE.value)
    # what the request said beside the file
    options = models.JSONField()
    file = models.BinaryField()
    # the answer's status and body, once done
    status = models.PositiveSmallIntegerField(null=True)
    result = models.JSONField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    leased_until = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField(db_default=Now())
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "id"], name="document_jobs_in_order"),
            # workers query only unprocessed jobs
            models.Index(
                fields=["organisation", "id"],
                name="document_waiting",
                condition=models.Q(status__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"document job {self.id}"
