"""`manage.py mcp [--key KEY] [--tools memory]`."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from liftos.kernel.telemetry.command import ObservedCommand
from liftos.runtime.embedded import home


class Command(ObservedCommand):
    help = "Serve MCP over standard input and output, as an API key: for a client that starts its servers itself."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--key",
            default="",
            help="the API key as which all calls are made (default: $LIFTOS_API_KEY, then the one that `make up` made)",
        )
        parser.add_argument(
            "--tools",
            default="",
            choices=["memory"],
            help="the reference memory server's tools instead of LiftOS's",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # the web application is imported here: it checks settings that other commands do without
        from liftos.asgi import application
        from liftos.mcp.stdio import serve_stdio
        from liftos.mcp.tools.sets import SETS

        key = options["key"] or settings.LIFTOS_API_KEY or _own_key()
        if not key:
            raise CommandError("An API key is required: set LIFTOS_API_KEY or give --key.")
        serve_stdio(application, SETS[options["tools"]], key)


def _own_key() -> str:
    """Return the key in the home's credentials.json, or ""."""
    try:
        path = home() / "credentials.json"
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    return str(found.get("api_key", "")) if isinstance(found, dict) else ""
