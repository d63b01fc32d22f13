from django.apps import AppConfig


class EmbeddingConfig(AppConfig):
    name = "liftos.kernel.embedding"
    label = "embedding"
    verbose_name = "Embedding models"
