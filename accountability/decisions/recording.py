"""Recording decisions that callers made themselves."""

from typing import Any
from uuid import UUID

from accountability.erasure import cite
from accountability.errors import ReservedOperation, UnknownParent
from accountability.inputs import DecisionIn
from accountability.models import DecisionRecord
from accountability.operations import record
from accountability.ports import has_reverser, scopes_of
from liftos.kernel.db.transactions import tenant_pipeline
from liftos.kernel.db.viewers import scope_of_act
from liftos.kernel.ids import as_uuid
from liftos.kernel.outbox.operations import emit
from liftos.kernel.reserved_operations import reserved_namespace
from liftos.kernel.tenancy.types import Actor


def refuse_reserved(**names: str) -> None:
    """Refuse names reserved for the service, on which reviews, reversals and calibration rely.

    Args:
        names: operation and decision point, by field name.

    Raises:
        ReservedOperation: naming the first such field, and the rule.
    """
    for field, name in names.items():
        namespace = reserved_namespace(name)
        if namespace is None and not has_reverser(name):
            continue
        raise ReservedOperation(
            f"Names that begin with '{namespace or name}.' are reserved for the service; use a prefix of your own, "
            f"for example 'agent.{name.strip()[:80]}'.",
            loc=(field,),
        )


def record_own(*, organisation: UUID, by: Actor, draft: DecisionIn) -> UUID:
    """Record a caller's decision and emit its event; return its id.

    Raises:
        UnknownParent: a parent does not exist in this organisation.
        ReservedOperation: its operation or decision point is reserved for the service.
    """
    refuse_reserved(operation=draft.operation, decision_point=draft.decision_point)
    cited = [each if isinstance(each, UUID) else each.id for each in draft.memories]
    if draft.subject and draft.subject.kind == "memory" and (subject := as_uuid(draft.subject.id)):
        cited.append(subject)
    with tenant_pipeline(organisation):
        parents = _scopes_of_parents(organisation, draft.parents)
        scope_id = scope_of_act(parents | scopes_of("memory", organisation, cited))
        decision = record(
            organisation=organisation,
            by=by,
            operation=draft.operation,
            decision_point=draft.decision_point,
            reasoning=draft.reasoning,
            inputs=draft.inputs,
            outputs=draft.outputs,
            alternatives=draft.alternatives,
            memories=[_memory(each) for each in draft.memories],
            confidence=draft.confidence,
            confidence_method=draft.confidence_method,
            versions=draft.versions,
            parents=draft.parents,
            subject=(draft.subject.kind, draft.subject.id) if draft.subject else ("", ""),
            risk_class=draft.risk_class,
            effect=draft.effect,
            started_at=draft.started_at,
            scope_id=scope_id,
        )
        cite(organisation=organisation, decision=decision, memories=cited)
        emit(
            organisation=organisation,
            type="liftos.decision.recorded",
            subject=f"decisions/{decision}",
            data={"decision_id": str(decision), "operation": draft.operation},
            scope_id=scope_id,
        )
    return decision


def _memory(used: Any) -> dict[str, Any]:
    if isinstance(used, UUID):
        return {"id": str(used)}
    return {"id": str(used.id)} | {
        name: value for name in ("score", "version") if (value := getattr(used, name)) is not None
    }


def _scopes_of_parents(organisation: UUID, parents: list[UUID]) -> set[int]:
    if not parents:
        return set()
    rows = DecisionRecord.objects.filter(organisation_id=organisation, id__in=parents)
    known = dict(rows.values_list("id", "scope_id"))
    for place, parent in enumerate(parents):
        if parent not in known:
            raise UnknownParent(loc=("parents", place))
    return set(known.values())
