"""A one-second cache of quotas, so that no search and no store costs a round trip for them."""

from uuid import UUID

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.transactions import current_organisation, raw_cursor, tenant_transaction
from liftos.kernel.db.viewers import current_viewer
from liftos.kernel.tenancy.types import Actor
from memory.quotas.statements import QUOTAS
from memory.quotas.types import ORGANISATION, Quota

KEEP_SECONDS = 1.0
"""How long other processes may follow a quota that was changed in this one."""
_MOST = 10_000
_known: LruTtlCache[UUID, dict[str, Quota]] = LruTtlCache(_MOST, KEEP_SECONDS)


def quotas_of(organisation: UUID, by: Actor) -> list[tuple[str, Quota]]:
    """Return the quotas that apply to an actor: the organisation's, its own, and its principal's.

    Args:
        organisation: the tenant.
        by: the actor; its principal is that of the current viewer.
    """
    found = _known.get(organisation)
    if found is None:
        if current_organisation() == organisation:
            rows = raw_cursor().execute(QUOTAS, [organisation]).fetchall()
        else:
            with tenant_transaction(organisation):
                rows = raw_cursor().execute(QUOTAS, [organisation]).fetchall()
        found = {whose: Quota(*limits) for whose, *limits in rows}
        _known.put(organisation, found)
    return [(whose, found[whose]) for whose in owners(by) if whose in found]


def owners(by: Actor) -> list[str]:
    """Return the names of those under whom an actor's memories and searches are counted."""
    principal = current_viewer().principal
    return [ORGANISATION, f"{by.kind}:{by.id}", *([f"principal:{principal}"] if principal else [])]


def forget_quotas(organisation: UUID) -> None:
    """Drop an organisation's quotas from this process's cache."""
    _known.drop_many([organisation])
