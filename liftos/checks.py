"""System checks of an operator's settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register("liftos")
def roles_differ(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The application must not own its tables: an owner can switch row-level security off."""
    del app_configs, kwargs
    if settings.DATABASES["default"]["USER"] != settings.DATABASES["owner"]["USER"]:
        return []
    return [
        Error(
            "DATABASE_URL and LIFTOS_OWNER_DATABASE_URL name the same role.",
            hint="Give the application a role of its own that owns nothing (deploy/postgres-init.sh makes both).",
            id="liftos.E001",
        )
    ]
