"""Writing decision records."""

import json
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from accountability.errors import RecordTooLong
from accountability.leaf import SALT_BYTES, commitment, jsonable, leaf_around, payload_text
from accountability.ports import scopes_of
from accountability.statements import INSERT_DECISION
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import able_to_write, raw_cursor
from liftos.kernel.db.viewers import EVERYBODY, ORGANISATION_SCOPE, current_viewer, scope_of_act
from liftos.kernel.ids import as_uuid, new_id
from liftos.kernel.telemetry.tracing.context import current_context
from liftos.kernel.tenancy.types import Actor

# C2SP tlog-tiles: a bundle gives an entry's length in two bytes
MAX_LEAF_BYTES = 65_535
_TIME_BYTES = 29  # recorded_at, which the database puts in


def record(
    *,
    organisation: UUID,
    by: Actor,
    operation: str,
    reasoning: str,
    decision_point: str = "",
    effect: str = Effect.WRITE,
    risk_class: str = RiskClass.MINIMAL,
    subject: tuple[str, str] = ("", ""),
    inputs: dict[str, Any] | None = None,
    outputs: dict[str, Any] | None = None,
    alternatives: Sequence[Any] = (),
    memories: Sequence[dict[str, Any]] = (),
    confidence: float | None = None,
    confidence_method: str = "",
    versions: dict[str, Any] | None = None,
    parents: Sequence[UUID] = (),
    started_at: datetime | None = None,
    decision: UUID | None = None,
    scope_id: int | None = None,
    write: Callable[[dict[str, Any]], object] | None = None,
) -> UUID:
    """Append a decision record in the caller's tenant transaction, so both commit or neither does; return its id.

    Args:
        organisation: whose decision.
        by: who acted.
        operation: what was done, for example `memory.search`.
        reasoning: the real reason, in words, naming what decided.
        decision_point: the step of the operation at which the choice was made; the operation when left out.
        effect: on the stored state: read, write or delete.
        risk_class: how much harm a wrong decision can do.
        subject: kind and id of what it was about.
        inputs: what was known.
        outputs: the result.
        alternatives: considered and rejected.
        memories: ids and scores of the memories used.
        confidence: 0..1 by `confidence_method`, None if nothing was uncertain.
        confidence_method: how the confidence was computed.
        versions: of the code, models and templates involved.
        parents: decisions this one follows from.
        started_at: aware UTC; now when left out.
        decision: the record's id, from `new_id`, if rows written earlier refer to it.
        scope_id: who may read it; when left out, `scope_of_act` of the memories that it is about or used, which are read if the
            viewer sees more than everybody does.
        write: writes the parameters of `INSERT_DECISION` in its place; for bulk loads.

    Raises:
        ValueError: a confidence outside 0..1.
        RecordTooLong: the record without its payload exceeds MAX_LEAF_BYTES.
    """
    if confidence is not None and not 0 <= confidence <= 1:
        raise ValueError("confidence must be between 0 and 1")
    context, ended_at, salt = current_context(), timezone.now(), secrets.token_bytes(SALT_BYTES)
    body = payload_text(
        {
            "reasoning": reasoning,
            "inputs": inputs or {},
            "outputs": outputs or {},
            "alternatives": alternatives,
            "memories": memories,
        }
    )
    row = {
        "id": decision or new_id(),
        "organisation_id": organisation,
        "operation": operation,
        "decision_point": decision_point or operation,
        "subject_kind": subject[0],
        "subject_id": subject[1],
        "risk_class": str(risk_class),
        "effect": str(effect),
        "confidence": None if confidence is None else float(confidence),
        "confidence_method": confidence_method,
        "actor_kind": str(by.kind),
        "actor_id": by.id,
        "on_behalf_of": by.on_behalf_of,
        "parents": list(dict.fromkeys(parents)),
        "versions": jsonable(versions or {}),
        "correlation_id": context.correlation_id,
        "trace_id": context.trace_id,
        "span_id": context.span_id,
        "started_at": started_at or ended_at,
        "ended_at": ended_at,
        "payload_commitment": commitment(salt, body),
        "scope_id": _scope_of(organisation, subject, memories) if scope_id is None else scope_id,
    }
    head, tail = leaf_around(row)
    if (length := len(head) + _TIME_BYTES + len(tail)) > MAX_LEAF_BYTES:
        # versions is the only field of unbounded length outside the payload
        raise RecordTooLong(
            f"The record without its payload has {length:,} bytes, at most {MAX_LEAF_BYTES:,} are allowed; shorten versions.",
            loc=("versions",),
        )
    more = {
        "versions_text": json.dumps(row["versions"]) if row["versions"] else "{}",
        "salt": salt,
        "body": body,
        "leaf_head": head,
        "leaf_tail": tail,
    }
    (write or _insert)(row | more)
    return row["id"]


def _scope_of(organisation: UUID, subject: tuple[str, str], memories: Sequence[dict[str, Any]]) -> int:
    if current_viewer() == EVERYBODY:
        return ORGANISATION_SCOPE
    named = [as_uuid(each.get("id", "")) for each in memories]
    if subject[0] == "memory":
        named.append(as_uuid(subject[1]))
    touched = list({each for each in named if each is not None})
    return scope_of_act(scopes_of("memory", organisation, touched))


def _insert(values: dict[str, Any]) -> None:
    with able_to_write([values["scope_id"]]):
        raw_cursor().execute(INSERT_DECISION, values)
