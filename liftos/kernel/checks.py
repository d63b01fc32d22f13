"""System checks of the database, tracing, rate limit and sign-in settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from liftos.kernel.http.limits import unusable_limits
from liftos.kernel.telemetry.tracing.options import InvalidTraceOptions, trace_options
from liftos.kernel.tenancy.sign_in.providers import unusable_providers
from liftos.kernel.tenancy.tokens.issuers import unusable_issuers


@register("liftos")
def roles_differ(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Require different roles: an owner of tables can disable row-level security."""
    if settings.DATABASES["default"]["USER"] != settings.DATABASES["owner"]["USER"]:
        return []
    return [
        Error(
            "DATABASE_URL and LIFTOS_OWNER_DATABASE_URL name the same role.",
            hint="Give the application its own role, which owns nothing (deploy/postgres-init.sh creates both).",
            id="liftos.E001",
        )
    ]


@register("liftos")
def trace_options_are_usable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report invalid tracing settings."""
    try:
        trace_options()
    except InvalidTraceOptions as error:
        return [
            Error(problem, hint="docs/settings.md, Traces.", id="liftos.E002") for problem in error.problems
        ]
    return []


@register("liftos")
def rate_limits_can_be_read(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report invalid rate limits."""
    return [
        Error(problem, hint="Write it as 600/minute or 20/second;100000/day.", id="liftos.E004")
        for problem in unusable_limits()
    ]


@register("liftos")
def issuers_can_be_read(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report invalid issuers of tokens."""
    return [
        Error(problem, hint="docs/sign-in.md lists the fields.", id="liftos.E005")
        for problem in [*unusable_issuers(), *unusable_providers()]
    ]
