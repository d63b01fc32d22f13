"""The decision record and the events of a store."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.viewers import scope_of_act
from liftos.kernel.outbox.operations import emit_many
from liftos.kernel.tenancy.types import Actor
from memory.analysis.words import ANALYSER
from memory.index.writes import Row
from memory.policy_types import Secrets
from memory.types import EmbeddingState, Outcome, Screened, Stored

# maximum rejections listed in the reasoning
MAX_LISTED = 10
# maximum findings listed in the record of a refusal
MAX_FOUND = 1_000
_EFFECTS = {
    Secrets.FLAG: "with secrets: stored as candidates",
    Secrets.REDACT: "with secrets, which were replaced by marks",
    Secrets.REFUSE: "with secrets: not stored",
}


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
    refused: list[dict[str, Any]] = [
        {"rejection": str(each.rejection.decision), "memory": str(each.rejection.memory)}
        for each in stored
        if each.rejection is not None
    ]
    refused += [
        {"secrets": each.secrets.listed}
        for each in stored
        if each.outcome is Outcome.SECRET and each.secrets is not None
    ][:MAX_FOUND]
    record(
        organisation=organisation,
        by=by,
        operation=operation,
        effect=Effect.WRITE,
        subject=("memory", str(stored[0].id)) if len(stored) == 1 else ("", ""),
        reasoning=_reasoning(counts, pending, stored),
        inputs={"count": len(rows), "characters": sum(len(row.draft.content) for row in rows)},
        outputs=counts | {"pending": pending} | _secrets(stored),
        alternatives=refused,
        memories=[
            # mark memories this decision did not create, so that overturning it leaves them alone
            {"id": str(each.id)}
            | ({"outcome": "unchanged"} if each.outcome is Outcome.UNCHANGED else {})
            | ({"rejection": str(each.flagged.decision)} if each.flagged is not None else {})
            | ({"secrets": each.secrets.listed} if each.secrets is not None else {})
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


def record_refusal(organisation: UUID, by: Actor, refused: Sequence[Screened]) -> UUID:
    """Record that memories with secrets were not stored, inside the caller's transaction; return the decision's id.

    Args:
        organisation: the tenant.
        by: the actor.
        refused: what was found in each.
    """
    return record(
        organisation=organisation,
        by=by,
        operation="memory.refuse_secrets",
        effect=Effect.READ,
        reasoning=" ".join(each.refusal for each in refused[:MAX_LISTED]),
        inputs={"policy": refused[0].policy, "count": len(refused)},
        outputs={"secrets": [entry for each in refused for entry in each.listed][:MAX_FOUND]},
    )


def _secrets(stored: Sequence[Stored]) -> dict[str, Any]:
    """Return the number of secrets by policy and kind, and the fields of refused memories; {} without any."""
    found = [each for each in stored if each.secrets is not None]
    if not found:
        return {}
    counts: dict[str, Counter[str]] = {}
    for each in found:
        assert each.secrets is not None  # noqa: S101  as selected
        for (_, kind), count in each.secrets.found.items():
            counts.setdefault(each.secrets.policy, Counter())[kind] += count
    return {"secrets": {policy: dict(kinds) for policy, kinds in counts.items()}}


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
    for policy, effect in _EFFECTS.items():
        count = sum(each.secrets is not None and each.secrets.policy == policy for each in stored)
        if count:
            text += f" {count} {effect}."
    if pending:
        text += f" {pending} have no vector yet: the embedder is unavailable."
    return text
