"""`manage.py index_vectors`: the graph index of every registered embedding model, made by the owner."""

from typing import Any

from liftos.kernel.embedding import get_manager
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.models import EmbeddingModel
from liftos.kernel.telemetry.command import ObservedCommand
from memory.index.vector_graph import create_index, index_name


class Command(ObservedCommand):
    help = "Make the vector index of each embedding model that has none; writers are not stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        model_number(get_manager().model)  # the active model may be new
        for model in EmbeddingModel.objects.order_by("id"):
            self.stdout.write(f"{index_name(model.id)}: {model}")
            create_index(model.id, model.dimension)
