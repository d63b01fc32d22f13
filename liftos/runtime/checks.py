"""System checks of the environment and the embedded servers."""

import os
from difflib import get_close_matches
from typing import Any

from django.core.checks import CheckMessage, register
from django.core.checks import Warning as CheckWarning

from liftos.runtime.embedded.errors import EmbeddedError
from liftos.runtime.embedded.redis_programs import choose_program, outdated_warning
from liftos.runtime.environment import Environment

ALIKE = 0.9
"""difflib's ratio; one letter added, missing, changed or swapped in the shortest name (LIFTOS_PORT) exceeds it."""
# LIFTOS_SECRET_CRM is a workflow's secret (workflows/secrets.py)
SECRETS = "LIFTOS_SECRET_"


@register("liftos")
def variables_are_known(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn of a variable whose name looks like a mistyped setting's."""
    known = list(Environment.model_fields)
    mistyped = {
        name: near[0]
        for name in sorted(os.environ)
        if name.startswith("LIFTOS") and not name.startswith(SECRETS) and name not in known
        and (near := get_close_matches(name, known, n=1, cutoff=ALIKE))
    }  # fmt: skip
    return [
        CheckWarning(f"{name} is not a known setting.", hint=f"Did you mean {near}?", id="liftos.W002")
        for name, near in mistyped.items()
    ]


@register("liftos")
def embedded_redis_has_its_fixes(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn of an embedded Redis that lacks security fixes."""
    if os.environ.get("REDIS_URL", "").strip():
        return []
    try:
        program = choose_program()
    except EmbeddedError:
        return []  # reported when something tries to start it
    if not program.outdated:
        return []
    return [
        CheckWarning(
            outdated_warning(program.product, program.version),
            hint="`make up` uses the newest on PATH or the bundled one (docs/operations.md, Which Redis).",
            id="liftos.W001",
        )
    ]
