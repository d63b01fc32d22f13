from django.apps import AppConfig


class GenerationsConfig(AppConfig):
    name = "liftos.kernel.caching.change_tokens"
    label = "generations"
    verbose_name = "Change tokens"
