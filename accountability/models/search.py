"""The index by which decisions are found: words and vectors, without a text of its own."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from pgvector.django import HalfVectorField

from liftos.kernel.db.viewers import ORGANISATION_SCOPE
from liftos.kernel.tenancy.models import organisation_key


class DecisionText(models.Model):
    """The text of a decision, as an index of words and a vector. A foreign key in the database deletes the row with the decision's payload.

    A worker adds the vector; `model` is null until then.
    """

    decision_id = models.UUIDField(primary_key=True)
    organisation = organisation_key()
    words = SearchVectorField()
    model = models.IntegerField(null=True)
    embedding = HalfVectorField(null=True)
    # the decision's
    scope_id = models.IntegerField(db_default=ORGANISATION_SCOPE)

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "model"], name="decision_text_by_model"),
            GinIndex(fields=["words"], name="decision_text_words"),
        ]

    def __str__(self) -> str:
        return f"Text of {self.decision_id}"
