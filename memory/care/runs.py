"""Runs of care: what changed since the last run is examined, scope by scope, and what is found is proposed, in one transaction each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from accountability.erasure import cite
from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import raw_cursor, read_column, tenant_transaction
from liftos.kernel.db.viewers import current_viewer
from liftos.kernel.embedding import EmbedderUnavailable
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.types import ModelInfo
from liftos.kernel.outbox.operations import emit
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.care.findings import contradicted, doubles_of, stale, superseded_by
from memory.care.statements import ADD_PROPOSAL, CHANGED, DROP_OUTDATED, KNOWN_PAIRS, LOCK_CARE, SCOPES
from memory.care_types import Cared, Finding, Kind
from memory.index.embeddings import active_manager
from memory.models.care import CareCursor

METHOD = "care/1"
OPERATION = "memory.propose"
PAGE = 500
MOST = 20_000
"""Maximum memories that a run examines for each kind."""
OVERLAP = timedelta(minutes=2)
"""A run starts again this long before the last, for what was being committed then."""
_WAITS = timedelta(hours=1)
"""How long a memory without a vector holds up the search for doubles."""
_ZERO = UUID(int=0)
_CHANGING = (Kind.DOUBLE, Kind.SUPERSESSION)


@dataclass(frozen=True, slots=True)
class _Run:
    organisation: UUID
    by: Actor
    now: datetime
    number: int | None
    model: ModelInfo | None


def care(
    *, organisation: UUID, by: Actor, now: datetime, kinds: Sequence[Kind] = tuple(Kind), limit: int = MOST
) -> Cared:
    """Propose changes of an organisation's memories; nothing is changed.

    Doubles and superseded facts are looked for among memories changed since the last run, each compared with all of its scope; a run
    that stops early, or is interrupted, is continued by the next. Only memories that the viewer sees, and only pairs of one scope.

    Args:
        organisation: the tenant.
        by: the actor.
        now: aware UTC.
        kinds: of proposals.
        limit: maximum memories to examine for each kind, and maximum proposals of the others.
    """
    run = _Run(organisation, by, now, *_model(organisation))
    total = Cared()
    with observe_operation("memory.care", organisation=str(organisation)):
        with tenant_transaction(organisation):
            scopes = _scopes(organisation)
        for kind in kinds:
            for scope in scopes:
                if kind in _CHANGING:
                    total = total.plus(_examine_changed(run, kind, scope, limit))
                else:
                    total = total.plus(_examine_all(run, kind, scope, limit))
    return total


def _model(organisation: UUID) -> tuple[int | None, ModelInfo | None]:
    try:
        model = active_manager(organisation).model
    except EmbedderUnavailable:
        return None, None
    return model_number(model), model


def _scopes(organisation: UUID) -> list[int]:
    """Return the access scopes whose memories the viewer sees; one that is not everybody's must be the viewer's to write."""
    found = read_column(SCOPES, {"organisation": organisation})
    return [each for each in found if current_viewer().sees(each)]


def _examine_changed(run: _Run, kind: Kind, scope: int, limit: int) -> Cared:
    total = Cared()
    while total.examined < limit:
        page = min(PAGE, limit - total.examined)
        with tenant_transaction(run.organisation):
            raw_cursor().execute(LOCK_CARE, (run.organisation, f"{kind} {scope}"))
            done = _examine_page(run, kind, scope, page, is_first=not total.examined)
        total = Cared(total.examined + done.examined, total.proposed + done.proposed, done.remaining)
        if not done.remaining:
            break
    return total


def _examine_page(run: _Run, kind: Kind, scope: int, page: int, *, is_first: bool) -> Cared:
    cursor = CareCursor.objects.filter(
        organisation_id=run.organisation, kind=kind.value, scope_id=scope
    ).first()
    since, after = (cursor.changed_at, cursor.memory_id) if cursor else (datetime(1, 1, 2, tzinfo=UTC), _ZERO)
    if cursor and cursor.is_complete and is_first:
        since, after = since - OVERLAP, _ZERO
    values = {
        "organisation": run.organisation, "scope": scope, "changed_at": since, "after": after, "limit": page + 1,
    }  # fmt: skip
    rows = raw_cursor().execute(CHANGED, values).fetchall()
    rows, waits = _without_waiting(rows, run.now) if kind is Kind.DOUBLE else (rows, False)
    remaining, rows = len(rows) > page, rows[:page]
    if kind is Kind.DOUBLE and run.number is None:
        return Cared()
    ids = [row[0] for row in rows]
    raw_cursor().execute(DROP_OUTDATED, {"organisation": run.organisation, "ids": ids})
    proposed = propose(run.organisation, run.by, scope, _find(run, kind, scope, ids))
    if rows:
        CareCursor.objects.update_or_create(
            organisation_id=run.organisation,
            kind=kind.value,
            scope_id=scope,
            defaults={
                "changed_at": rows[-1][1],
                "memory_id": rows[-1][0],
                "is_complete": not remaining and not waits,
            },
        )
    elif cursor and not cursor.is_complete and not waits:
        CareCursor.objects.filter(organisation_id=run.organisation, kind=kind.value, scope_id=scope).update(
            is_complete=True
        )
    return Cared(len(ids), proposed, remaining)


def _without_waiting(rows: list[tuple[Any, ...]], now: datetime) -> tuple[list[tuple[Any, ...]], bool]:
    """Return the memories before the first that still waits for its vector, and whether there is one."""
    for place, row in enumerate(rows):
        if row[4] == "pending" and row[1] > now - _WAITS:
            return rows[:place], True
    return rows, False


def _find(run: _Run, kind: Kind, scope: int, ids: Sequence[UUID]) -> list[Finding]:
    if not ids:
        return []
    if kind is Kind.SUPERSESSION:
        return superseded_by(run.organisation, scope, ids)
    assert run.number is not None and run.model is not None  # noqa: S101, PT018  checked by the caller
    return doubles_of(run.organisation, scope, run.number, run.model, ids)


def _examine_all(run: _Run, kind: Kind, scope: int, limit: int) -> Cared:
    with tenant_transaction(run.organisation):
        raw_cursor().execute(LOCK_CARE, (run.organisation, f"{kind} {scope}"))
        most = min(limit, PAGE)
        find = stale if kind is Kind.STALE else contradicted
        found = list(find(run.organisation, scope, most))
        proposed = propose(run.organisation, run.by, scope, found)
    return Cared(len(found), proposed, len(found) >= most)


def propose(organisation: UUID, by: Actor, scope: int, findings: Sequence[Finding]) -> int:
    """Put findings on record as proposals, but pairs that were proposed before; return how many."""
    fresh = list(_unknown(organisation, findings))
    for each in fresh:
        both = list(dict.fromkeys((each.memory, each.other)))
        decision = record(
            organisation=organisation,
            by=by,
            operation=OPERATION,
            decision_point=f"{OPERATION}.{each.kind}",
            effect=Effect.READ,
            subject=("memory", str(each.memory)),
            reasoning=f"Proposed to {each.kind.action} a memory. {each.reason}",
            outputs={"kind": str(each.kind), "memory": str(each.memory), "other": str(each.other)},
            memories=[{"id": str(memory)} for memory in both],
            confidence=each.confidence,
            confidence_method=METHOD,
            scope_id=scope,
        )
        cite(organisation=organisation, decision=decision, memories=both)
        values = {
            "id": decision, "organisation": organisation, "scope": scope, "kind": str(each.kind), "memory": each.memory,
            "other": each.other, "confidence": each.confidence, "reason": each.reason,
        }  # fmt: skip
        raw_cursor().execute(ADD_PROPOSAL, values)
        emit(
            organisation=organisation,
            type="liftos.memory.proposed",
            subject=f"memories/{each.memory}",
            data={
                "memory_id": str(each.memory), "other_id": str(each.other), "kind": str(each.kind), "proposal_id": str(decision),
            },
            scope_id=scope,
        )  # fmt: skip
    return len(fresh)


def _unknown(organisation: UUID, findings: Sequence[Finding]) -> Iterator[Finding]:
    """Yield each pair once, without those that were proposed before in either order."""
    values = {
        "organisation": organisation,
        "memories": [each.memory for each in findings],
        "others": [each.other for each in findings],
    }
    known = (
        {frozenset(row) for row in raw_cursor().execute(KNOWN_PAIRS, values).fetchall()}
        if findings
        else set()
    )
    for each in findings:
        pair = frozenset((each.memory, each.other))
        if pair not in known:
            known.add(pair)
            yield each
