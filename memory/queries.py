"""Reads of memories, inside the caller's tenant transaction."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.db.viewers import EVERYBODY, ORGANISATION_SCOPE, current_viewer
from liftos.kernel.errors import NotFound
from liftos.kernel.tenancy.authority import scopes_now
from liftos.kernel.tenancy.types import Actor, Scope
from memory.models import Memory
from memory.search.as_known import as_known
from memory.search.filter_sql import where
from memory.search.types import SearchRequest
from memory.statements import LIST, READ_SCOPES
from memory.types import VISIBLE, EmbeddingState, TrustState

_ID = "coalesce(m.head, m.id)"


class MemoryNotFound(NotFound):
    """There is no such memory."""

    code = "memory.not_found"


def scopes_of_memories(organisation: UUID, memories: Sequence[UUID]) -> set[int]:
    """Return the access scopes of those memories that the viewer sees. See `accountability.ports.ScopeReader`."""
    return set(read_scopes(organisation, memories).values())


def read_scopes(organisation: UUID, memories: Sequence[UUID]) -> dict[UUID, int]:
    """Return the access scope of each of the memories that the viewer sees, without a query for one who sees what everybody does."""
    if current_viewer() == EVERYBODY:
        return dict.fromkeys(memories, ORGANISATION_SCOPE)
    return dict(raw_cursor().execute(READ_SCOPES, (organisation, list(memories))).fetchall())


def by_scope(organisation: UUID, memories: Sequence[UUID]) -> list[list[UUID]]:
    """Return memories in groups of one access scope each, so that a system task decides separately for those who see them."""
    groups: dict[int, list[UUID]] = {}
    scopes = read_scopes(organisation, memories)
    for memory in memories:
        groups.setdefault(scopes.get(memory, ORGANISATION_SCOPE), []).append(memory)
    return list(groups.values())


def get_memory(*, organisation: UUID, memory: UUID, lock: bool = False) -> Memory:
    """Return a memory, optionally locked until the transaction ends.

    Raises:
        MemoryNotFound: not in this organisation.
    """
    rows = Memory.objects.filter(organisation_id=organisation, id=memory, head=None)
    row = (rows.select_for_update() if lock else rows).first()
    if row is None:
        raise MemoryNotFound
    return row


def get_memories(*, organisation: UUID, memories: Sequence[UUID]) -> dict[UUID, Memory]:
    """Return those of some memories that exist, in any trust state, with their links."""
    rows = Memory.objects.filter(organisation_id=organisation, id__in=memories, head=None)
    return rows.prefetch_related("links").in_bulk()


def list_stored(*, organisation: UUID, decision: UUID) -> list[Memory]:
    """Return the memories that a decision stored and that still exist, in the order of their ids."""
    rows = Memory.objects.filter(organisation_id=organisation, stored_by=decision, head=None)
    return list(rows.order_by("id"))


def list_memories(
    *,
    organisation: UUID,
    limit: int,
    before: UUID | None = None,
    narrowed: SearchRequest,
    source: str = "",
    external_id: str = "",
) -> list[Memory]:
    """Return memories, newest first. Ids ascend with time and serve as the cursor.

    Args:
        organisation: the tenant.
        limit: page size.
        before: only memories with smaller ids.
        narrowed: filters on type, trust states and times; its query is ignored.
        source: only this source; empty for all.
        external_id: only this external id; empty for all.
    """
    condition, values = where(narrowed, "m.id", blank=True)
    values |= {"organisation": organisation, "limit": limit}
    tests = [f"m.organisation_id = %(organisation)s AND {condition}"]
    if before is not None:
        values["before"] = before
        tests.append(f"{'m.id' if narrowed.known_at is None else _ID} < %(before)s")
    if source:
        values["source"] = source
        tests.append("m.source = %(source)s")
    if external_id:
        # earlier texts have the external id of their memory
        values["external_id"] = external_id
        tests.append(
            "coalesce((SELECT h.external_id FROM memory_memory AS h WHERE h.organisation_id = m.organisation_id "
            "AND h.id = m.head), m.external_id) = %(external_id)s"
            if narrowed.known_at
            else "m.external_id = %(external_id)s"
        )
    # earlier texts are sorted by the id of their memory
    order = "m.id" if narrowed.known_at is None else _ID
    statement = LIST.format(where=" AND ".join(tests), order=order)
    with raw_cursor() as cursor:
        ids = readable(cursor.execute(statement, values).fetchall())
    known = (
        Memory.objects.filter(organisation_id=organisation, id__in=ids).prefetch_related("links").in_bulk()
    )
    rows = [known[each] for each in ids if each in known]
    return as_known(organisation, rows, narrowed.known_at) if narrowed.known_at else rows


def readable(rows: Sequence[tuple[UUID, int]]) -> list[UUID]:
    """Return the ids whose texts have room in an answer, and two more: one that is too many tells that there is a next page."""
    room = settings.LIFTOS_MAX_ANSWER_BYTES // 2
    for number, (_, size) in enumerate(rows):
        room -= size
        if room < 0:
            return [row[0] for row in rows[: number + 2]]
    return [row[0] for row in rows]


def list_recent(
    *, organisation: UUID, since: datetime, memory_types: Sequence[str] | None, limit: int
) -> list[Memory]:
    """Return visible, non-blank memories recorded since a time, by descending importance, then newest first.

    Args:
        organisation: the tenant.
        since: aware UTC.
        memory_types: only these types; None for all.
        limit: maximum number.
    """
    rows = Memory.objects.filter(
        organisation_id=organisation, head=None, state__in=VISIBLE, recorded_at__gte=since
    ).exclude(embedding=EmbeddingState.NONE)
    rows = rows.filter(Q(expires_at=None) | Q(expires_at__gt=Now()))
    if memory_types is not None:
        rows = rows.filter(memory_type__in=memory_types)
    return list(rows.prefetch_related("links").order_by("-importance", "-id")[:limit])


def existing(*, organisation: UUID, memories: Sequence[UUID]) -> set[UUID]:
    """Return the ids that belong to memories of the organisation."""
    rows = Memory.objects.filter(organisation_id=organisation, head=None, id__in=memories)
    return set(rows.values_list("id", flat=True))


def list_organisations_with_pending() -> list[UUID]:
    """Return the organisations with memories that lack a vector. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_pending_embeddings()")
        return [row[0] for row in cursor.fetchall()]


def trust_now(*, organisation: UUID, by: Actor, trust: TrustState) -> TrustState | None:
    """Return an actor's current trust at most that when it sent its work; None if it may no longer store."""
    now = scopes_now(organisation=organisation, actor=by)
    if Scope.MEMORY_PROPOSE not in now:
        return None
    return trust if Scope.MEMORY_WRITE in now else TrustState.CANDIDATE
