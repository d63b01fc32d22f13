from django.apps import AppConfig


class EmbeddingConfig(AppConfig):
    name = "liftos.embedding"
    label = "embedding"
    verbose_name = "Embedding models"
