"""System checks of memory settings."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from memory.conversations.extraction.work import configured_extractor
from memory.index.lifetimes import problems


@register("memory")
def check_lifetimes(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report invalid lifetimes in LIFTOS_MEMORY_TTL."""
    del app_configs, kwargs
    return [
        Error(problem, hint="docs/settings.md, A memory's life.", id="memory.E001") for problem in problems()
    ]


@register("memory")
def check_extractor(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report settings that make no extractor."""
    del app_configs, kwargs
    try:
        configured_extractor()
    except ValueError as error:
        return [
            Error(f"LIFTOS_EXTRACTOR_URL: {error}.", hint="docs/settings.md, Extraction.", id="memory.E002")
        ]
    return []
