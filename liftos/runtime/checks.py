"""System checks of an operator's settings."""

import os
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from liftos.kernel.http.limits import unusable_limits
from liftos.kernel.telemetry.tracing.options import InvalidTraceOptions, trace_options
from liftos.runtime.embedded.errors import EmbeddedError
from liftos.runtime.embedded.redis_programs import choose_program, outdated_warning


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
    """Say which of the settings about tracing can't be used."""
    del app_configs, kwargs
    try:
        trace_options()
    except InvalidTraceOptions as error:
        return [
            Error(problem, hint="docs/settings.md, Traces.", id="liftos.E002") for problem in error.problems
        ]
    return []


@register("liftos")
def checkpoint_url_is_http(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Checkpoints are posted over http or https, and nowhere else."""
    del app_configs, kwargs
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


@register("liftos")
def rate_limits_can_be_read(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Say which limit can't be read."""
    del app_configs, kwargs
    return [
        Error(problem, hint="Write it as 600/minute or 20/second;100000/day.", id="liftos.E004")
        for problem in unusable_limits()
    ]


@register("liftos")
def embedded_redis_has_its_fixes(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn of an embedded Redis that lacks security fixes; a Redis of one's own is the operator's."""
    del app_configs, kwargs
    if os.environ.get("REDIS_URL", "").strip():
        return []
    try:
        program = choose_program()
    except EmbeddedError:
        return []  # said, with what to do, by whatever wants to start it
    if not program.outdated:
        return []
    return [
        CheckWarning(
            outdated_warning(program.product, program.version),
            hint="`make up` takes the newest of those on PATH and the bundled one (docs/operations.md, Which Redis).",
            id="liftos.W001",
        )
    ]
