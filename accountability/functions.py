"""Workflow functions of accountability."""

from typing import Any

from accountability.decisions.recording import record_own
from accountability.inputs import DecisionIn
from liftos.kernel.functions import Call, register
from liftos.kernel.tenancy.types import Scope


@register("decisions.record", schema=DecisionIn, scopes=[Scope.DECISIONS_WRITE])
def record_decision(call: Call, arguments: DecisionIn) -> dict[str, Any]:
    """Record a decision, as the caller's own account."""
    return {"id": str(record_own(organisation=call.organisation, by=call.by, draft=arguments))}
