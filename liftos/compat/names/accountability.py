"""The old platform's names for accountability, and its observability manager."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import Any
from uuid import UUID

from accountability.decisions.chains import get_chain
from accountability.decisions.recording import refuse_reserved
from accountability.operations import record
from accountability.queries import list_decisions
from accountability.types import Decision
from liftos.compat.names.calls import principal_of, unit
from liftos.compat.names.tracing import LightweightTracer, MetricsCollector
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import InvalidInput
from liftos.kernel.ids import as_uuid
from liftos.kernel.ports import decision_figures
from liftos.kernel.telemetry import manager
from liftos.kernel.telemetry.operation import Operation
from liftos.kernel.telemetry.tracing.context import current_context, use_context
from liftos.kernel.telemetry.tracing.spans import SpanLevel

_TRACE_ID, _SPAN_ID = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}"), re.compile(r"[0-9a-f]{16}")


class AccountabilityOrchestrator:
    """Records decisions of one organisation, and returns their chains."""

    def __init__(self, org_id: str = "default_org", max_events: int = 100_000) -> None:
        """Create an orchestrator.

        Args:
            org_id: slug or id; the organisation must exist at the first call.
            max_events: maximum number of decisions that `get_decision_chain` returns for an operation, the newest.
        """
        self.org_id = org_id
        self.max_events = max_events

    @unit
    def record_decision(
        self,
        operation: str,
        decision_point: str = "",
        reasoning: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        outputs: Mapping[str, Any] | None = None,
        confidence: float | None = None,
        trace_id: str | None = None,
        span_id: str | None = None,
        *,
        parents: Sequence[str | UUID] = (),
    ) -> str:
        """Record a decision; return its id.

        Args:
            operation: what was done.
            decision_point: the step at which it was decided; with two positional arguments the second is the reasoning.
            reasoning: why.
            inputs: of the decision.
            outputs: of the decision.
            confidence: 0 to 1.
            trace_id: 32 (or 16) hex digits; by default the current trace.
            span_id: 16 hex digits; by default the current span.
            parents: decisions that this one follows from.

        Raises:
            LiftosError: a confidence outside 0 to 1, a malformed id, an unknown parent, or a reserved operation.
        """
        if reasoning is None:
            decision_point, reasoning = "", decision_point
        if not reasoning:
            raise InvalidInput("A decision needs a reasoning.", loc=("reasoning",))
        if confidence is not None and not 0 <= confidence <= 1:
            raise InvalidInput("The confidence must be from 0 to 1.", loc=("confidence",))
        refuse_reserved(operation=operation, decision_point=decision_point)
        context = current_context()
        if trace_id is not None:
            context = replace(context, trace_id=_checked(trace_id, _TRACE_ID, "trace_id"))
        if span_id is not None:
            context = replace(context, span_id=_checked(span_id, _SPAN_ID, "span_id"))
        principal = principal_of(self.org_id)
        with use_context(context), tenant_transaction(principal.organisation):
            decision = record(
                organisation=principal.organisation,
                by=principal.actor,
                operation=operation,
                decision_point=decision_point,
                reasoning=reasoning,
                confidence=confidence,
                inputs=dict(inputs or {}),
                outputs=dict(outputs or {}),
                parents=[UUID(str(parent)) for parent in parents],
            )
        return str(decision)

    @unit
    def get_decision_chain(self, operation: str | UUID) -> list[dict[str, Any]]:
        """Return the decisions of an operation or, given a decision's id, its ancestors and descendants. Earliest first.

        Raises:
            DecisionNotFound: there is no decision with this id.
        """
        organisation = principal_of(self.org_id).organisation
        decision = as_uuid(operation)
        with tenant_transaction(organisation):
            if decision is not None:
                steps = get_chain(organisation=organisation, decision=decision)
                return [_event(step.decision) | {"distance": step.distance} for step in steps]
            found = list_decisions(organisation=organisation, limit=self.max_events, operation=str(operation))
        return [_event(each) for each in reversed(found)]

    @unit
    def get_accountability_stats(self) -> dict[str, Any]:
        """Return the organisation's decision statistics, from the database."""
        return {"org_id": self.org_id} | decision_figures()(self.org_id)


class ObservabilityManager(manager.ObservabilityManager):
    """Tracing, metrics and accountability, with the old platform's names; the current one is `statistics`."""

    def __init__(self, service_name: str = "memory", org_id: str = "default_org", **more: Any) -> None:
        """Create a manager; `more` are arguments of `liftos.kernel.telemetry.manager.ObservabilityManager`."""
        given: dict[str, Any] = {
            "tracer": LightweightTracer(service_name),
            "metrics": MetricsCollector(service_name),
        } | more
        super().__init__(given.pop("service", service_name), given.pop("org", org_id), **given)
        self.service_name, self.org_id = self.service, self.org

    @cached_property
    def accountability(self) -> AccountabilityOrchestrator:
        """The decisions of this manager's organisation."""
        return AccountabilityOrchestrator(self.org)

    # the old platform's second argument is the tags
    def observe_operation(  # type: ignore[override]
        self,
        operation_name: str,
        tags: Mapping[str, Any] | SpanLevel | None = None,
        level: SpanLevel = SpanLevel.INFO,
        **more: Any,
    ) -> Operation:
        """Return a context manager for one operation; tags may be given as a mapping or by keyword."""
        if isinstance(tags, SpanLevel):
            level, tags = tags, None
        # the old platform's `metric_tags` are ignored: an operation's metrics have its organisation and function as tags
        named = {str(key): value for key, value in (tags or {}).items() if key != "metric_tags"} | more
        found = {"organisation": self.org} | {
            key: named.pop(key) for key in ("organisation", "function") if key in named
        }
        operation = super().observe_operation(operation_name, level, **found)
        operation.add_tags(named)
        return operation

    def observe_async_operation(  # type: ignore[override]
        self,
        operation_name: str,
        tags: Mapping[str, Any] | SpanLevel | None = None,
        level: SpanLevel = SpanLevel.INFO,
        **more: Any,
    ) -> Operation:
        """See `observe_operation`; for `async with`."""
        return self.observe_operation(operation_name, tags, level, **more)

    def get_comprehensive_stats(self) -> dict[str, Any]:
        """See `statistics`."""
        return self.statistics()


def _event(decision: Decision) -> dict[str, Any]:
    """Return a decision's fields, and those with the old platform's names."""
    more = {"event_id": str(decision.id), "timestamp": decision.recorded_at.timestamp()}
    return asdict(decision) | more


def _checked(given: str, form: re.Pattern[str], name: str) -> str:
    if not form.fullmatch(given):
        raise InvalidInput("A trace or span id must be lower-case hex digits.", loc=(name,))
    return given
