"""System checks of the settings about checkpoints."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register("liftos")
def checkpoint_url_is_http(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Checkpoints are posted over http or https only."""
    url = settings.LIFTOS_CHECKPOINT_URL
    if not url or url.startswith(("http://", "https://")):
        return []
    return [
        Error(
            "LIFTOS_CHECKPOINT_URL must begin with http:// or https://.",
            hint="To keep checkpoints in a file, set LIFTOS_CHECKPOINT_FILE.",
            id="liftos.E003",
        )
    ]
