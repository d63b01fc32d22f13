"""System checks of the settings about memories."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from memory.index.lifetimes import problems


@register("memory")
def lifetimes_are_usable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Say which lifetimes of memory types can't be used."""
    del app_configs, kwargs
    return [
        Error(problem, hint="docs/settings.md, A memory's life.", id="memory.E001") for problem in problems()
    ]
