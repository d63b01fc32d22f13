"""System checks of the settings about databases, traces and rate limits."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from liftos.kernel.http.limits import unusable_limits
from liftos.kernel.telemetry.tracing.options import InvalidTraceOptions, trace_options


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


@register("liftos")
def trace_options_are_usable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report each setting about traces that cannot be used."""
    del app_configs, kwargs
    try:
        trace_options()
    except InvalidTraceOptions as error:
        return [
            Error(problem, hint="docs/settings.md, Traces.", id="liftos.E002") for problem in error.problems
        ]
    return []


@register("liftos")
def rate_limits_can_be_read(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report each rate limit that cannot be read."""
    del app_configs, kwargs
    return [
        Error(problem, hint="Write it as 600/minute or 20/second;100000/day.", id="liftos.E004")
        for problem in unusable_limits()
    ]
