"""Readers of memories: access scopes of what callers write as `visible_to`, and the other way round."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Q

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import ORGANISATION_SCOPE, current_viewer, set_viewer
from liftos.kernel.ids import as_uuid
from liftos.kernel.tenancy.known_keys import forget_all_keys
from liftos.kernel.tenancy.models import AccessScope, Group, PrincipalRecord
from liftos.kernel.tenancy.queries import viewer_of
from liftos.kernel.tenancy.scopes import scope_of_groups, scope_of_principal
from memory.errors import NotVisible
from memory.types import ORGANISATION, VisibleTo

_LOC = ("visible_to",)

DELETED = VisibleTo(principal="(deleted)")
"""The reader of rows whose principal was deleted: only operators see them."""

# what a scope stands for never changes, but names of its groups may
_KEEP_SECONDS = 5.0
_shown: LruTtlCache[tuple[UUID, int], VisibleTo] = LruTtlCache(10_000, _KEEP_SECONDS)


def scope_of(organisation: UUID, wanted: VisibleTo | None) -> int:
    """Return the access scope of a `visible_to`, made if it is new.

    Raises:
        NotVisible: it names a group or principal that does not exist, or the current viewer would not see the memory.
    """
    if wanted is None or wanted == ORGANISATION:
        return ORGANISATION_SCOPE
    with tenant_transaction(organisation):
        if wanted.principal:
            principal = PrincipalRecord.objects.filter(
                _named([wanted.principal]), organisation_id=organisation
            )
            found = list(principal.values_list("id", flat=True)[:1])
            if not found:
                raise NotVisible(f"No principal called {wanted.principal!r} includes the caller.", loc=_LOC)
            scope = scope_of_principal(organisation=organisation, principal=found[0])
        else:
            scope = scope_of_groups(organisation=organisation, groups=_groups(organisation, wanted.groups))
        _check_sees(organisation, scope)
    return scope


def _groups(organisation: UUID, names: Iterable[str]) -> list[UUID]:
    wanted = list(dict.fromkeys(names))
    rows = list(Group.objects.filter(_named(wanted), organisation_id=organisation).values_list("id", "name"))
    known = {str(ident) for ident, _ in rows} | {name for _, name in rows}
    unknown = [each for each in wanted if each not in known and str(as_uuid(each)) not in known]
    if unknown:
        raise NotVisible(f"No group called {unknown[0]!r}.", loc=(*_LOC, "groups"))
    return [ident for ident, _ in rows]


def _named(names: Iterable[str]) -> Q:
    wanted = list(names)
    return Q(name__in=wanted) | Q(id__in=[ident for each in wanted if (ident := as_uuid(each)) is not None])


def _check_sees(organisation: UUID, scope: int) -> None:
    """Refuse a scope that the viewer does not see; a scope just made becomes part of what it sees."""
    viewer = current_viewer()
    if viewer.sees(scope):
        return
    now = viewer_of(organisation=organisation, principal=viewer.principal, groups=viewer.groups)
    if not now.sees(scope):
        raise NotVisible(loc=_LOC)
    set_viewer(now)
    forget_all_keys()


def visible_to(organisation: UUID, scope: int) -> VisibleTo:
    """Return who sees a scope, by names."""
    if scope == ORGANISATION_SCOPE:
        return ORGANISATION
    return _shown.fetch((organisation, scope), lambda: _read(organisation, scope))


def _read(organisation: UUID, scope: int) -> VisibleTo:
    with tenant_transaction(organisation):
        rows = AccessScope.objects.select_related("principal")
        row = rows.filter(organisation_id=organisation, id=scope).first()
        if row is None:
            return DELETED
        if row.principal is not None:
            return VisibleTo(principal=row.principal.name)
        names = Group.objects.filter(organisation_id=organisation, id__in=row.groups).order_by("name")
        return VisibleTo(groups=tuple(names.values_list("name", flat=True)))


def as_json(organisation: UUID, scope: int) -> str | dict[str, Any]:
    """Return who sees a scope as callers write it."""
    return visible_to(organisation, scope).as_json()
