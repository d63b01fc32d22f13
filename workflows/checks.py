"""System checks of the settings about workflows."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from workflows.outbound import AllowedHosts, InvalidHostList


@register("workflows")
def host_lists_are_usable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Say which host that workflows may call can't be understood."""
    del app_configs, kwargs
    problems: list[CheckMessage] = []
    for name in ("LIFTOS_HTTP_ALLOWED_HOSTS", "LIFTOS_HTTP_PRIVATE_HOSTS"):
        try:
            AllowedHosts(getattr(settings, name))
        except InvalidHostList as error:
            problems.append(
                Error(
                    f"{name} names no host: {error}", hint="docs/settings.md, Workflows.", id="workflows.E001"
                )
            )
    return problems
