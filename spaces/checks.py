"""System checks of the settings of spaces."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from spaces.space_templates import TEMPLATES


@register("spaces")
def default_template_exists(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """LIFTOS_DEFAULT_SPACE must name a template."""
    if settings.LIFTOS_DEFAULT_SPACE in TEMPLATES:
        return []
    return [
        Error(
            f"LIFTOS_DEFAULT_SPACE must be one of {', '.join(TEMPLATES)}.",
            hint="docs/settings.md, Conceptual spaces.",
            id="spaces.E001",
        )
    ]
