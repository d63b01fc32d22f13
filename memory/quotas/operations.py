"""Set and list quotas. Changes are decisions."""

from dataclasses import asdict
from uuid import UUID

from django.db import transaction

from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.ids import as_uuid
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.models import PrincipalRecord
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.models import QuotaRow
from memory.quotas.enforcement import read_usage
from memory.quotas.errors import UnknownOwner
from memory.quotas.known import forget_quotas
from memory.quotas.types import ORGANISATION, Quota, Standing, Usage

MAX_OWNER = 230


def set_quota(*, organisation: UUID, by: Actor, whose: str, quota: Quota) -> UUID | None:
    """Set the quota of an owner; return the decision's id, None if nothing changed.

    It holds from the next request, in other processes within a second. What is stored stays, however much it is.

    Args:
        organisation: the tenant.
        by: the actor.
        whose: `organisation`, `principal:` with a name or id, or an actor's `kind:id`.
        quota: all limits; an empty one removes the quota.

    Raises:
        UnknownOwner: there is none of that name.
    """
    with (
        observe_operation("memory.set_quota", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        owner = owner_of(organisation, whose)
        row = QuotaRow.objects.select_for_update().filter(organisation_id=organisation, whose=owner).first()
        before = _quota(row) if row else Quota()
        if before == quota:
            return None
        if quota.is_empty:
            QuotaRow.objects.filter(organisation_id=organisation, whose=owner).delete()
        else:
            QuotaRow.objects.update_or_create(
                organisation_id=organisation, whose=owner, defaults=asdict(quota)
            )
        decision = record(
            organisation=organisation,
            by=by,
            operation="memory.set_quota",
            effect=Effect.WRITE,
            risk_class=RiskClass.LIMITED,
            subject=("quota", owner[:200]),
            reasoning=f"Quota of {owner}: {_words(quota)}, previously {_words(before)}.",
            inputs={"before": asdict(before)},
            outputs={"whose": owner} | asdict(quota),
        )
        forget_quotas(organisation)
        # until the commit, others may read and cache the old one
        transaction.on_commit(lambda: forget_quotas(organisation))
    return decision


def list_quotas(*, organisation: UUID) -> list[Standing]:
    """Return all quotas with their usage, the organisation's first even if it has none."""
    with tenant_transaction(organisation):
        rows = {row.whose: row for row in QuotaRow.objects.filter(organisation_id=organisation)}
        names = [ORGANISATION, *sorted(rows.keys() - {ORGANISATION})]
        usage = read_usage(organisation, names)
    return [
        Standing(
            name,
            _quota(rows[name]) if name in rows else Quota(),
            usage.get(name, Usage()),
            rows[name].recorded_at if name in rows else None,
        )
        for name in names
    ]


def _quota(row: QuotaRow) -> Quota:
    return Quota(row.memories, row.bytes, row.searches_per_day)


def owner_of(organisation: UUID, whose: str) -> str:
    """Return the owner that a text names, a principal by its id; inside the tenant transaction.

    Raises:
        UnknownOwner: there is none.
    """
    if whose == ORGANISATION:
        return whose
    kind, colon, name = whose.partition(":")
    if kind == "principal" and name:
        principals = PrincipalRecord.objects.filter(organisation_id=organisation)
        ident = as_uuid(name)
        found = principals.filter(id=ident).first() if ident else principals.filter(name=name).first()
        if found is not None:
            return f"principal:{found.id}"
    elif colon and name and kind in list(ActorKind) and len(whose) <= MAX_OWNER:
        return whose
    raise UnknownOwner(loc=("whose",))


def _words(quota: Quota) -> str:
    limits = [
        f"{value:,} {name.replace('_', ' ')}" for name, value in asdict(quota).items() if value is not None
    ]
    return ", ".join(limits) or "no limits"
