"""Place and release legal holds, each on record, and refuse what they forbid."""

from collections.abc import Sequence
from dataclasses import asdict
from uuid import UUID

from django.db import IntegrityError, transaction

from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.rows import one_or
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction, whole_tenant
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.holds.errors import HoldExists, HoldNotFound, LegallyHeld
from memory.holds.statements import FIND_HOLD, LOCK_ALONE, LOCK_SHARED
from memory.holds.types import HoldDraft
from memory.models import LegalHold


def refuse_held(organisation: UUID, memories: Sequence[UUID]) -> None:
    """Refuse to erase memories if one is held, inside the erasing transaction; no hold can be placed until it ends.

    Raises:
        LegallyHeld: with the hold.
    """
    with whole_tenant(organisation), raw_cursor() as cursor:
        cursor.execute(LOCK_SHARED, [organisation])
        found = cursor.execute(FIND_HOLD, (organisation, list(memories))).fetchone()
    if found is not None:
        raise LegallyHeld(*found)


def list_holds(*, organisation: UUID) -> list[LegalHold]:
    """Return the holds by name, inside the caller's tenant transaction."""
    return list(LegalHold.objects.filter(organisation_id=organisation))


def get_hold(*, organisation: UUID, hold: UUID) -> LegalHold:
    """Return a hold, inside the caller's tenant transaction.

    Raises:
        HoldNotFound: there is none in this organisation.
    """
    return one_or(HoldNotFound, LegalHold.objects.filter(organisation_id=organisation, id=hold))


def place_hold(*, organisation: UUID, by: Actor, draft: HoldDraft) -> tuple[LegalHold, UUID]:
    """Place a hold; return it with the decision.

    Raises:
        HoldExists: the name is taken.
    """
    with (
        observe_operation("memory.legal_hold", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        with raw_cursor() as cursor:
            cursor.execute(LOCK_ALONE, [organisation])
        fields = asdict(draft) | {"memories": list(draft.memories)}
        try:
            with transaction.atomic():
                hold = LegalHold.objects.create(organisation_id=organisation, **fields)
        except IntegrityError as error:
            raise HoldExists(loc=("name",)) from error
        hold.refresh_from_db()
        said = f"Placed the legal hold {draft.name}. {draft.reason}".strip()
        return hold, _put_on_record(organisation, by, "memory.legal_hold", hold, said)


def release_hold(*, organisation: UUID, by: Actor, hold: UUID, reason: str = "") -> UUID:
    """Release a hold; return the decision.

    Raises:
        HoldNotFound: there is none in this organisation.
    """
    with (
        observe_operation("memory.release_hold", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        row = one_or(
            HoldNotFound,
            LegalHold.objects.filter(organisation_id=organisation, id=hold).select_for_update(),
        )
        said = f"Released the legal hold {row.name}. {reason}".strip()
        decision = _put_on_record(organisation, by, "memory.release_hold", row, said)
        LegalHold.objects.filter(organisation_id=organisation, id=hold).delete()
        return decision


def _put_on_record(organisation: UUID, by: Actor, operation: str, hold: LegalHold, reasoning: str) -> UUID:
    return record(
        organisation=organisation,
        by=by,
        operation=operation,
        effect=Effect.WRITE,
        risk_class=RiskClass.LIMITED,
        subject=("legal_hold", str(hold.id)),
        reasoning=reasoning,
        inputs={
            "name": hold.name,
            "memory_type": hold.memory_type,
            "source": hold.source,
            "of_scope": hold.of_scope,
            "memories": [str(each) for each in hold.memories],
        },
    )
