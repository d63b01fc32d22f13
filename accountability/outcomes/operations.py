"""Recording what came of a decision: a record of its own, in one transaction with its row; the decision never changes."""

from datetime import datetime
from uuid import UUID

from accountability.erasure import cite
from accountability.errors import DecisionNotFound, OutcomeForbidden
from accountability.models import DecisionRecord
from accountability.models.outcomes import DecisionOutcome
from accountability.operations import record
from accountability.outcomes.types import OUTCOME_OPERATION, OUTCOME_POINT, Target, Value, rightness
from accountability.queries import as_decision, memories_of
from accountability.types import REVIEW_OPERATION, Effect
from liftos.kernel.db.rows import one_or
from liftos.kernel.db.transactions import able_to_write, tenant_transaction
from liftos.kernel.outbox.operations import emit
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor

_WITHOUT = (REVIEW_OPERATION, OUTCOME_OPERATION)


def record_outcome(
    *,
    organisation: UUID,
    by: Actor,
    decision: UUID,
    value: Value,
    at: datetime,
    unit: str = "",
    note: str = "",
    target: Target = Target(),  # noqa: B008  frozen
) -> tuple[UUID, float | None]:
    """Record an outcome of a decision; return its id and how right the decision was by it.

    Args:
        organisation: whose.
        by: who observed it.
        decision: which.
        value: observed.
        at: aware UTC; when it was observed.
        unit: of the value.
        note: free text.
        target: the values that make the decision right.

    Raises:
        DecisionNotFound: there is none in this organisation that the caller may see.
        OutcomeForbidden: it is a review or an outcome.
    """
    with (
        observe_operation("decision.outcome", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        rows = DecisionRecord.objects.filter(organisation_id=organisation, id=decision)
        row = one_or(DecisionNotFound, rows.select_related("payload"))
        if row.operation in _WITHOUT:
            raise OutcomeForbidden
        right = rightness(value, unit=unit, target=target)
        bounds = {"at_least": target.at_least, "at_most": target.at_most} if target.is_stated else None
        outcome = record(
            organisation=organisation,
            by=by,
            operation=OUTCOME_OPERATION,
            decision_point=OUTCOME_POINT,
            effect=Effect.WRITE,
            subject=("decision", str(decision)),
            reasoning=f"Recorded an outcome of {row.operation}.",
            outputs={
                "value": value, "unit": unit, "at": at.isoformat(), "note": note, "target": bounds, "rightness": right,
            },
            parents=[decision],
            # whoever sees the decision sees what came of it
            scope_id=row.scope_id,
        )  # fmt: skip
        # the note may quote the cited memories, so erasing one of them erases it too
        cite(organisation=organisation, decision=outcome, memories=memories_of(as_decision(row)))
        with able_to_write([row.scope_id]):
            DecisionOutcome.objects.bulk_create(
                [
                    DecisionOutcome(
                        id=outcome,
                        organisation_id=organisation,
                        decision_id=decision,
                        rightness=right,
                        at=at,
                        scope_id=row.scope_id,
                    )
                ]
            )
        emit(
            organisation=organisation,
            type="liftos.decision.outcome_recorded",
            subject=f"decisions/{decision}",
            data={
                "decision_id": str(decision),
                "operation": row.operation,
                "outcome_id": str(outcome),
                "rightness": right,
            },
            scope_id=row.scope_id,
        )
    return outcome, right
