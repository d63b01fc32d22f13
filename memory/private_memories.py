"""Memories that only one principal sees. Fills `liftos.kernel.ports.private_memories`."""

from collections.abc import Collection
from uuid import UUID

from accountability.models import DecisionRecord
from liftos.kernel.tenancy.types import Actor
from memory.erasure.operations import forget_many
from memory.models import Memory
from memory.trust.visibility_change import change_visibility
from memory.types import VisibleTo

REASON = "The principal that alone saw it was deleted."


class PrivateMemories:
    """Counts, erases or transfers the memories of a scope; each runs in a transaction that sees the whole tenant."""

    def count(self, organisation: UUID, scope: int) -> int:
        """Return their number."""
        return Memory.objects.filter(organisation_id=organisation, scope_id=scope, head=None).count()

    def any(self, organisation: UUID, scopes: Collection[int]) -> bool:
        """Return whether scopes have a memory, or a decision: of a run, say, or about a memory that is erased."""
        of = {"organisation_id": organisation, "scope_id__in": scopes}
        return Memory.objects.filter(**of).exists() or DecisionRecord.objects.filter(**of).exists()

    def erase(self, organisation: UUID, by: Actor, scope: int) -> None:
        """Erase them, in any trust state.

        Raises:
            LegallyHeld: a legal hold is on one of them.
        """
        for _progress in forget_many(
            organisation=organisation, by=by, memories=_ids(organisation, scope), reason=REASON
        ):
            pass

    def transfer(self, organisation: UUID, by: Actor, *, scope: int, owner: UUID, to: UUID) -> None:
        """Make them visible to another principal alone, which also becomes the owner of all that the first one owned.

        Raises:
            ExternalIdTaken: the other has a memory with one of their external ids.
        """
        for memory in _ids(organisation, scope):
            change_visibility(
                organisation=organisation,
                by=by,
                memory=memory,
                wanted=VisibleTo(principal=str(to)),
                reason=REASON,
                may_curate=True,
                any_state=True,
            )
        Memory.objects.filter(organisation_id=organisation, owner=owner).update(owner=to)


def _ids(organisation: UUID, scope: int) -> list[UUID]:
    rows = Memory.objects.filter(organisation_id=organisation, scope_id=scope, head=None)
    return list(rows.order_by("id").values_list("id", flat=True))
