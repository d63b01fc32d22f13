from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    name = "liftos.idempotency"
    label = "idempotency"
    verbose_name = "Idempotency"
