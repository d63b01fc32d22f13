from django.apps import AppConfig


class GenerationsConfig(AppConfig):
    name = "liftos.generations"
    verbose_name = "Generations"
