from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    name = "liftos.kernel.http.idempotency"
    label = "idempotency"
    verbose_name = "Idempotency"
