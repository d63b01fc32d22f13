"""Set and apply retention rules. Each change, and each batch of memories that a rule ends, is recorded."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.rows import one_or
from liftos.kernel.db.transactions import raw_cursor, read_column, tenant_transaction, whole_tenant
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import SYSTEM, Actor
from memory.erasure.operations import forget_many
from memory.holds.errors import LegallyHeld
from memory.holds.statements import LOCK_SHARED
from memory.models import RetentionRule
from memory.queries import by_scope
from memory.retention.errors import RuleExists, RuleNotFound
from memory.retention.statements import LIST_DUE_TO_ERASE, LOCK_DUE_TO_EXPIRE
from memory.retention.types import RetentionAction, RuleDraft
from memory.trust.state_changes import change_state
from memory.types import LIVING, TrustState

BATCH = 500
_FIRST = UUID(int=0)


def list_rules(*, organisation: UUID) -> list[RetentionRule]:
    """Return the rules by name, inside the caller's tenant transaction."""
    return list(RetentionRule.objects.filter(organisation_id=organisation))


def get_rule(*, organisation: UUID, rule: UUID) -> RetentionRule:
    """Return a rule, inside the caller's tenant transaction.

    Raises:
        RuleNotFound: there is none in this organisation.
    """
    return one_or(RuleNotFound, RetentionRule.objects.filter(organisation_id=organisation, id=rule))


def set_rule(
    *, organisation: UUID, by: Actor, draft: RuleDraft, rule: UUID | None = None
) -> tuple[RetentionRule, UUID]:
    """Create a rule, or replace an existing one; return it with the decision.

    Raises:
        RuleNotFound: the rule to replace is not in this organisation.
        RuleExists: another rule has the name.
    """
    with (
        observe_operation("memory.retention_rule", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        before = None if rule is None else _lock(organisation, rule)
        told = None if before is None else _told(before)
        row = before or RetentionRule(organisation_id=organisation)
        for name, value in asdict(draft).items():
            setattr(row, name, value)
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError as error:
            raise RuleExists(loc=("name",)) from error
        row.refresh_from_db()
        decision = _put_on_record(
            organisation,
            by,
            "memory.retention_rule",
            row,
            f"Retention rule {row.name}: {row.action} after {row.ttl_seconds:g} s.",
            before=told,
            after=_told(row),
        )
        return row, decision


def drop_rule(*, organisation: UUID, by: Actor, rule: UUID) -> UUID:
    """Delete a rule; return the decision.

    Raises:
        RuleNotFound: there is none in this organisation.
    """
    with (
        observe_operation("memory.drop_retention_rule", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        row = _lock(organisation, rule)
        decision = _put_on_record(
            organisation,
            by,
            "memory.drop_retention_rule",
            row,
            f"Retention rule {row.name} deleted.",
            before=_told(row),
            after=None,
        )
        RetentionRule.objects.filter(organisation_id=organisation, id=rule).delete()
        return decision


def apply_rules(*, organisation: UUID) -> int:
    """Expire and erase what the organisation's rules have kept long enough, except what is held; return the number of memories."""
    with whole_tenant(organisation):
        rules = list_rules(organisation=organisation)
    ended = 0
    for rule in rules:
        apply = _erase_due if rule.action == RetentionAction.ERASE else _expire_due
        ended += sum(apply(organisation, rule))
    return ended


def list_organisations_with_rules() -> list[UUID]:
    """Return the organisations with retention rules. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_retention_rules()")
        return [row[0] for row in cursor.fetchall()]


def _expire_due(organisation: UUID, rule: RetentionRule) -> Iterator[int]:
    after = _FIRST
    while True:
        values = _due(organisation, rule, after) | {"states": [str(state) for state in LIVING]}
        with whole_tenant(organisation):
            with raw_cursor() as cursor:
                cursor.execute(LOCK_SHARED, [organisation])
            due = read_column(LOCK_DUE_TO_EXPIRE, values)
            if not due:
                return
            for some in by_scope(organisation, due):
                _expire(organisation, rule, some)
        yield len(due)
        after = due[-1]


def _expire(organisation: UUID, rule: RetentionRule, due: Sequence[UUID]) -> None:
    """Expire memories of one access scope, with one decision."""
    decision = record(
        organisation=organisation,
        by=SYSTEM,
        operation="memory.expire",
        effect=Effect.WRITE,
        subject=("memory", str(due[0])) if len(due) == 1 else ("", ""),
        reasoning=f"{len(due)} memories were kept as long as the retention rule {rule.name} says.",
        inputs={"rule": str(rule.id)} | _told(rule),
        outputs={"expired": len(due)},
        memories=[{"id": str(memory)} for memory in due],
    )
    change_state(
        organisation,
        due,
        TrustState.EXPIRED,
        operation="memory.expire",
        reason=f"Retention rule {rule.name}.",
        by=SYSTEM,
        decision=decision,
    )


def _erase_due(organisation: UUID, rule: RetentionRule) -> Iterator[int]:
    after, reason = _FIRST, f"Retention rule {rule.name}."
    while True:
        with whole_tenant(organisation):
            due = read_column(LIST_DUE_TO_ERASE, _due(organisation, rule, after))
            groups = by_scope(organisation, due)
        if not due:
            return
        for some in groups:
            yield _forget_unheld(organisation, some, reason)
        after = due[-1]


def _forget_unheld(organisation: UUID, memories: list[UUID], reason: str) -> int:
    """Erase memories of one access scope; return how many. If a copy of one is held, or a hold came in between, the others go."""
    try:
        return sum(each.erased for each in _forget(organisation, memories, reason))
    except LegallyHeld:
        if len(memories) == 1:
            return 0
        return sum(_forget_unheld(organisation, [memory], reason) for memory in memories)


def _forget(organisation: UUID, memories: list[UUID], reason: str) -> list[Any]:
    return list(forget_many(organisation=organisation, by=SYSTEM, memories=memories, reason=reason))


def _due(organisation: UUID, rule: RetentionRule, after: UUID) -> dict[str, Any]:
    return {
        "organisation": organisation,
        "ttl": rule.ttl_seconds,
        "type": rule.memory_type,
        "source": rule.source,
        "scope": rule.of_scope,
        "after": after,
        "limit": BATCH,
    }


def _lock(organisation: UUID, rule: UUID) -> RetentionRule:
    rows = RetentionRule.objects.filter(organisation_id=organisation, id=rule)
    return one_or(RuleNotFound, rows.select_for_update())


def _told(rule: RetentionRule) -> dict[str, Any]:
    names = ("name", "memory_type", "source", "of_scope", "ttl_seconds", "action")
    return {name: getattr(rule, name) for name in names}


def _put_on_record(
    organisation: UUID,
    by: Actor,
    operation: str,
    rule: RetentionRule,
    reasoning: str,
    *,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
) -> UUID:
    return record(
        organisation=organisation,
        by=by,
        operation=operation,
        effect=Effect.WRITE,
        risk_class=RiskClass.LIMITED,
        subject=("retention_rule", str(rule.id)),
        reasoning=reasoning,
        inputs={"before": before},
        outputs={"after": after},
    )
