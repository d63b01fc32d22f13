"""The decision record and the events of a store."""

from collections.abc import Sequence
from uuid import UUID

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.outbox.operations import emit_many
from liftos.kernel.tenancy.types import Actor
from memory.analysis.words import ANALYSER
from memory.index.writes import Row
from memory.types import EmbeddingState, Outcome, Stored

# rejections that the reasoning names
NAMED = 10


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
    """Write the decision of a store, and an event for each new memory, inside its transaction.

    Args:
        organisation: whose memories.
        by: who stored them.
        operation: the decision's.
        rows: what was to be stored.
        stored: what became of each.
        model: the number of the model that their vectors are of.
        decision: the decision's id.
        parents: decisions that it follows from.
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
            # what was there already was not made by this decision: overturning it leaves that alone
            {"id": str(each.id)}
            | ({"outcome": "unchanged"} if each.outcome is Outcome.UNCHANGED else {})
            | ({"rejection": str(each.flagged.decision)} if each.flagged is not None else {})
            for each in stored
            if each.outcome in (Outcome.STORED, Outcome.UNCHANGED)
        ],
        versions={"analyser": ANALYSER, "embedding_model": model},
        parents=parents,
        decision=decision,
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
    )


def _reasoning(counts: dict[str, int], pending: int, stored: Sequence[Stored]) -> str:
    text = ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)
    text += f" of {len(stored)} sent."
    if counts[Outcome.CONFLICT]:
        text += " A conflict is an external id that already names a memory with other content."
    if counts[Outcome.REJECTED]:
        text += " A rejected value is refused however it is written."
    flagged = list(dict.fromkeys(each.flagged.decision for each in stored if each.flagged is not None))
    if flagged:
        names = ", ".join(str(each) for each in flagged[:NAMED]) + (", …" if len(flagged) > NAMED else "")
        candidates = sum(each.flagged is not None for each in stored)
        text += f" {candidates} hold a rejected value and are candidates (rejection {names})."
    if pending:
        text += f" {pending} wait for their vector: the embedder is not available."
    return text
