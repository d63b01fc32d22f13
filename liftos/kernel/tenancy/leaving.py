"""Deletion of principals, with what only they see."""

from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from liftos.kernel.db.transactions import whole_tenant
from liftos.kernel.errors import Conflict, InvalidInput
from liftos.kernel.outbox.inbox.operations import erase_arrivals
from liftos.kernel.ports import decision_recorder, private_memories
from liftos.kernel.tenancy.known_keys import forget_all_keys
from liftos.kernel.tenancy.models import AccessScope, ApiKey, BreakGlass, PrincipalRecord
from liftos.kernel.tenancy.operations import revoke_api_key
from liftos.kernel.tenancy.others_sight import note_of, require_sight, risk_of
from liftos.kernel.tenancy.principals import PrincipalNotFound, find_principal
from liftos.kernel.tenancy.scopes import scope_of_principal
from liftos.kernel.tenancy.types import Actor

ERASE = "erase"
TRANSFER = "transfer:"


class PrincipalInUse(Conflict):
    """Only this principal sees some memories: erase them (`memories=erase`) or transfer them (`memories=transfer:NAME`)."""

    code = "tenancy.principal_in_use"

    def __init__(self, memories: int) -> None:
        """Count the memories."""
        self.memories = memories
        super().__init__(
            f"Only this principal sees {memories:,} memories: erase them (memories=erase) or transfer them (memories=transfer:NAME)."
        )

    @property
    def extensions(self) -> dict[str, int]:
        """Return further members of the problem details."""
        return {"memories": self.memories}


@dataclass(frozen=True, slots=True)
class Left:
    """A deleted principal, with the number of memories that only it saw, their outcome, and the number of revoked keys."""

    id: UUID
    name: str
    memories: int
    outcome: str
    keys: int


def delete_principal(
    *, organisation: UUID, by: Actor, principal: PrincipalRecord, memories: str = ""
) -> Left:
    """Delete a principal with its memberships and its link to an issuer's tokens, and revoke its keys, in one transaction.

    Memories that others see too stay. Decisions, runs and jobs that only it could read stay, for operators alone.

    Args:
        organisation: the tenant.
        by: the actor.
        principal: whom.
        memories: that only it sees: `erase`, or `transfer:` and the name or id of another principal, who then also owns whatever
            it owned; empty to refuse if there are any.

    Raises:
        PrincipalNotFound: it was just deleted.
        PrincipalInUse: only it sees some memories.
        InvalidInput: `memories` is neither, or names no other principal.
        NeedsBreakGlass: memories would be transferred that the actor does not see.
    """
    to = _heir(organisation, principal, memories)
    glass = None if to is None else require_sight(by=by, whose=principal)
    with whole_tenant(organisation):
        rows = PrincipalRecord.objects.filter(organisation_id=organisation, id=principal.id)
        if rows.select_for_update().first() is None:
            raise PrincipalNotFound
        scope = scope_of_principal(organisation=organisation, principal=principal.id)
        count = private_memories().count(organisation, scope)
        if count and not memories:
            raise PrincipalInUse(count)
        if to is not None:
            private_memories().transfer(organisation, by, scope=scope, owner=principal.id, to=to.id)
        elif count:
            private_memories().erase(organisation, by, scope)
        erase_arrivals(organisation=organisation, scope_id=scope)
        keys = ApiKey.objects.filter(organisation_id=organisation, principal_id=principal.id)
        valid = list(keys.filter(revoked_at=None).values_list("id", flat=True))
        for key in valid:
            revoke_api_key(organisation=organisation, by=by, key=key, now=timezone.now())
        keys.update(principal=None)
        outcome = "transferred" if to is not None else "erased" if count else "none"
        left = Left(principal.id, principal.name, count, outcome, len(valid))
        _record(organisation, by, left, to, glass)
        AccessScope.objects.filter(organisation_id=organisation, principal_id=principal.id).delete()
        rows.delete()
        forget_all_keys()
    return left


def _heir(organisation: UUID, principal: PrincipalRecord, memories: str) -> PrincipalRecord | None:
    if not memories or memories == ERASE:
        return None
    loc = ("query", "memories")
    if not memories.startswith(TRANSFER):
        raise InvalidInput("Input should be erase, or transfer:NAME with the name of a principal.", loc=loc)
    try:
        found = find_principal(organisation=organisation, named=memories.removeprefix(TRANSFER))
    except PrincipalNotFound as error:
        raise InvalidInput("No principal has that name or id.", loc=loc) from error
    if found.id == principal.id:
        raise InvalidInput("The memories can't be transferred to the principal that is deleted.", loc=loc)
    return found


def _record(
    organisation: UUID, by: Actor, left: Left, to: PrincipalRecord | None, glass: BreakGlass | None
) -> None:
    text = f"Deleted the principal {left.name} and revoked {left.keys} keys."
    if to is not None:
        text += f" {left.memories} memories are visible to {to.name} alone from now on."
    elif left.memories:
        text += f" {left.memories} memories that only it saw were erased."
    decision_recorder()(
        organisation=organisation,
        by=by,
        operation="principal.delete",
        effect="delete",
        risk_class=risk_of(glass),
        subject=("principal", str(left.id)),
        reasoning=text,
        inputs={"transferred_to": to and str(to.id)} | note_of(glass),
        outputs={"memories": left.memories, "outcome": left.outcome, "keys": left.keys},
    )
