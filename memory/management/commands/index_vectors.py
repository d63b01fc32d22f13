"""`manage.py index_vectors`: create missing graph indexes, as the owner."""

from typing import Any

from liftos.kernel.embedding import get_manager
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.models import EmbeddingModel
from liftos.kernel.telemetry.command import ObservedCommand
from memory.index.vector_graph import create_index, index_name


class Command(ObservedCommand):
    help = "Create the vector index of each embedding model that lacks one, without blocking writers."

    def handle(self, *args: Any, **options: Any) -> None:
        model_number(get_manager().model)  # registers the active model if it is new
        for model in EmbeddingModel.objects.order_by("id"):
            self.stdout.write(f"{index_name(model.id)}: {model}")
            create_index(model.id, model.dimension)
