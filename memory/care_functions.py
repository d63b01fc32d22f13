"""Workflow functions of the memory's own care."""

from typing import Any

from django.utils import timezone
from pydantic import Field

from liftos.kernel.functions import Call, register
from liftos.kernel.http.strict import Strict
from liftos.kernel.tenancy.types import Scope
from memory.care.runs import MOST, care
from memory.care_types import Kind


class Care(Strict):
    """The kinds of proposals to look for, and a bound."""

    kinds: list[Kind] = Field(default_factory=lambda: list(Kind), min_length=1, max_length=len(Kind))
    limit: int = Field(default=MOST, ge=1, le=MOST, description="Maximum memories examined for each kind.")


@register("memory.care", schema=Care, scopes=[Scope.MEMORY_WRITE], outside=True, idempotent=True)
def look_after(call: Call, arguments: Care) -> dict[str, Any]:
    """Propose doubles, superseded, stale and contradicted memories for somebody to accept or decline; changes nothing."""
    done = care(
        organisation=call.organisation,
        by=call.by,
        now=timezone.now(),
        kinds=list(dict.fromkeys(arguments.kinds)),
        limit=arguments.limit,
    )
    return {"examined": done.examined, "proposed": done.proposed, "remaining": done.remaining}
