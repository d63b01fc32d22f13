"""The embedding models of stored vectors, each with a small number that vector rows refer to."""

from django.db import models


class EmbeddingModel(models.Model):
    """A model by name and version; vectors of two models are never compared. Shared by all organisations."""

    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=200)
    version = models.CharField(max_length=100)
    dimension = models.PositiveIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="embedding_model_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.version} ({self.dimension})"
