"""The files in the store."""

from django.db import models
from django.db.models.functions import Now

from liftos.kernel.tenancy.models import Organisation


class StoredFile(models.Model):
    """A file in the store. Its content is there while the row is; loose rows await removal of both."""

    key = models.CharField(max_length=32, primary_key=True)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    bytes = models.BigIntegerField()
    sha256 = models.CharField(max_length=64)
    # false before whoever wrote it has committed, and after it was given up
    kept = models.BooleanField(default=False)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "kept"], name="file_by_organisation"),
            # for the sweep; nearly always empty
            models.Index(fields=["changed_at"], name="file_loose", condition=models.Q(kept=False)),
        ]

    def __str__(self) -> str:
        return f"file {self.key}"
