"""System checks of the workflow settings."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from liftos.kernel.outbound import AllowedHosts, InvalidHostList
from workflows.secrets import read_secrets


@register("workflows")
def host_lists_are_usable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report allowed-host entries that can't be parsed."""
    problems: list[CheckMessage] = []
    for name in ("LIFTOS_HTTP_ALLOWED_HOSTS", "LIFTOS_HTTP_PRIVATE_HOSTS"):
        try:
            AllowedHosts(getattr(settings, name))
        except InvalidHostList as error:
            problems.append(
                Error(
                    f"{name} has an invalid host: {error}",
                    hint="docs/settings.md, Workflows.",
                    id="workflows.E001",
                )
            )
    return problems


@register("workflows")
def secrets_are_usable(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Report a secrets file that can't be used."""
    path = settings.LIFTOS_WORKFLOW_SECRETS_FILE
    try:
        if path:
            about = Path(path).stat()
            read_secrets(path, about.st_mtime_ns, about.st_size, about.st_mode)
    except (OSError, ValueError) as error:
        message = f"LIFTOS_WORKFLOW_SECRETS_FILE can't be used: {error}"
        return [Error(message, hint="docs/workflows.md, Secrets.", id="workflows.E002")]
    return []
