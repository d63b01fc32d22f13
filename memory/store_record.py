"""The decision record and the events of a store."""

from collections.abc import Sequence
from uuid import UUID

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.viewers import scope_of_act
from liftos.kernel.outbox.operations import emit_many
from liftos.kernel.tenancy.types import Actor
from memory.analysis.words import ANALYSER
from memory.index.writes import Row
from memory.types import EmbeddingState, Outcome, Stored

# maximum rejections listed in the reasoning
MAX_LISTED = 10


def record_store(
    organisation: UUID,
    by: Actor,
    operation: str,
    rows: Sequence[Row],
    stored: Sequence[Stored],
    model: int | None,
    decision: UUID,
    parents: Sequence[UUID],
) -> None:
    """Record a store, and emit an event for each new memory, inside the store's transaction.

    Args:
        organisation: the tenant.
        by: the actor.
        operation: the decision's operation.
        rows: the rows to store.
        stored: their results.
        model: the number of the vectors' model.
        decision: the decision's id.
        parents: decisions it follows from.
    """
    counts = {outcome.value: sum(each.outcome is outcome for each in stored) for outcome in Outcome}
    new = [(row, each) for row, each in zip(rows, stored, strict=True) if each.outcome is Outcome.STORED]
    pending = sum(each.embedding is EmbeddingState.PENDING for _, each in new)
    refused = [
        {"rejection": str(each.rejection.decision), "memory": str(each.rejection.memory)}
        for each in stored
        if each.rejection is not None
    ]
    record(
        organisation=organisation,
        by=by,
        operation=operation,
        effect=Effect.WRITE,
        subject=("memory", str(stored[0].id)) if len(stored) == 1 else ("", ""),
        reasoning=_reasoning(counts, pending, stored),
        inputs={"count": len(rows), "characters": sum(len(row.draft.content) for row in rows)},
        outputs=counts | {"pending": pending},
        alternatives=refused,
        memories=[
            # mark memories this decision did not create, so that overturning it leaves them alone
            {"id": str(each.id)}
            | ({"outcome": "unchanged"} if each.outcome is Outcome.UNCHANGED else {})
            | ({"rejection": str(each.flagged.decision)} if each.flagged is not None else {})
            for each in stored
            if each.outcome in (Outcome.STORED, Outcome.UNCHANGED)
        ],
        versions={"analyser": ANALYSER, "embedding_model": model},
        parents=parents,
        decision=decision,
        scope_id=scope_of_act(row.draft.scope for row in rows),
    )
    emit_many(
        organisation=organisation,
        type="liftos.memory.stored",
        events=[
            (
                f"memories/{each.id}",
                {
                    "memory_id": str(each.id),
                    "memory_type": row.draft.memory_type,
                    "source": row.draft.source,
                    "decision_id": str(decision),
                },
            )
            for row, each in new
        ],
        scope_id=[row.draft.scope for row, _ in new],
    )


def _reasoning(counts: dict[str, int], pending: int, stored: Sequence[Stored]) -> str:
    text = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    text += f" of {len(stored)} sent."
    if counts[Outcome.CONFLICT]:
        text += " A conflict is an external id of an existing memory with other content."
    if counts[Outcome.REJECTED]:
        text += " Rejected values are refused however they are spelled."
    flagged = list(dict.fromkeys(each.flagged.decision for each in stored if each.flagged is not None))
    if flagged:
        names = ", ".join(str(each) for each in flagged[:MAX_LISTED]) + (
            ", …" if len(flagged) > MAX_LISTED else ""
        )
        candidates = sum(each.flagged is not None for each in stored)
        text += f" {candidates} contain a rejected value and are stored as candidates (rejection {names})."
    if pending:
        text += f" {pending} have no vector yet: the embedder is unavailable."
    return text
