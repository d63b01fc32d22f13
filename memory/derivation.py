"""Readers of memories that are derived from others: at most those who see every source.

Without a wish of the writer that is the narrowest scope of the sources, or the writer's own if none of them is narrower than all others.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from liftos.kernel.db.transactions import seeing_everything_here
from liftos.kernel.db.viewers import EVERYBODY, ORGANISATION_SCOPE, current_viewer
from liftos.kernel.tenancy.models import AccessScope, GroupMember
from memory.errors import NotVisible
from memory.index.writes import Row, source_of
from memory.models import Memory
from memory.queries import read_scopes
from memory.types import EmbeddingState, LinkKind, MemoryDraft, Outcome, Stored

TOO_WIDE = "Some who would see it do not see every memory that it is derived from."


def sources_of(draft: MemoryDraft) -> set[UUID]:
    """Return the memories that a draft says by their ids it is derived from."""
    linked = {each.target for each in draft.links if each.kind == LinkKind.DERIVED_FROM and each.target}
    return {*draft.derived_from, *linked}


def named_sources(
    organisation: UUID, drafts: Mapping[UUID, MemoryDraft], among: Mapping[UUID, MemoryDraft] | None = None
) -> dict[UUID, set[UUID]]:
    """Return the memories that drafts say by external ids they are derived from, as far as the viewer sees them.

    A link leads to the memory of the draft's scope, or else to the organisation's. If there is neither, the writer means one of
    another scope: the draft is then derived from that.

    Args:
        organisation: the tenant.
        drafts: by the ids of their memories.
        among: drafts of the same batch, which may be sources too.
    """
    wanted = [
        (memory, draft.scope, source_of(each, draft.source), each.external_id)
        for memory, draft in drafts.items()
        for each in draft.links
        if each.kind == LinkKind.DERIVED_FROM and each.target is None and each.external_id
    ]
    if not wanted:
        return {}
    sources, names = {each[2] for each in wanted}, {each[3] for each in wanted}
    rows = Memory.objects.filter(
        organisation_id=organisation, head=None, source__in=sources, external_id__in=names
    )
    there = list(rows.values_list("source", "external_id", "scope_id", "id"))
    there += [
        (each.source, each.external_id, each.scope, memory)
        for memory, each in (among or {}).items()
        if each.external_id in names
    ]
    by_name: dict[tuple[str, str], list[tuple[int, UUID]]] = {}
    for source, name, scope, memory in there:
        by_name.setdefault((source, name), []).append((scope, memory))
    found: dict[UUID, set[UUID]] = {}
    for memory, scope, source, name in wanted:
        held = by_name.get((source, name), [])
        best = next((some for some in (scope, ORGANISATION_SCOPE) if some in dict(held)), None)
        meant = {other for in_scope, other in held if best in (None, in_scope)} - {memory}
        found.setdefault(memory, set()).update(meant)
    return found


def narrow(
    organisation: UUID, rows: Sequence[Row], chosen: set[UUID]
) -> tuple[tuple[Row, ...], dict[UUID, Stored]]:
    """Return rows with scopes no wider than those of their sources, and the results of those that are refused.

    Call it inside the transaction that stores them. Sources may be rows of the same batch.

    Args:
        organisation: the tenant.
        rows: with the scopes that their writer chose.
        chosen: ids of the rows for which it did choose; these are refused rather than narrowed.
    """
    if current_viewer() == EVERYBODY:
        return tuple(rows), {}
    drafts = {row.id: row.draft for row in rows}
    by_name = named_sources(organisation, drafts, among=drafts)
    sources = {
        row.id: found
        for row in rows
        if (found := sources_of(row.draft) | set(row.unnamed_sources) | by_name.get(row.id, set()))
    }
    if not sources:
        return tuple(rows), {}
    named = list(set().union(*sources.values()))
    with seeing_everything_here():
        stored = read_scopes(organisation, named)
    scopes = {row.id: row.draft.scope for row in rows} | stored
    refused: set[UUID] = set()
    # a source in the batch may be narrowed itself: as many rounds as a chain of sources is long
    for _ in rows:
        limits = {
            row: _narrowed(organisation, scopes[row], [scopes[each] for each in of if each in scopes])
            for row, of in sources.items()
            if row not in refused
        }
        wide = {
            row for row, scope in limits.items() if scope is None or (row in chosen and scope != scopes[row])
        }
        refused |= wide
        changed = {row: scope for row, scope in limits.items() if scope is not None and scope != scopes[row]}
        scopes |= {row: scope for row, scope in changed.items() if row not in wide}
        if not wide and not changed:
            break
    return tuple(
        replace(row, draft=replace(row.draft, scope=scopes[row.id])) if row.id in sources else row
        for row in rows
    ), {each: Stored(each, Outcome.NOT_VISIBLE, EmbeddingState.PENDING, detail=TOO_WIDE) for each in refused}


def check_readers(organisation: UUID, scope: int, sources: Iterable[UUID]) -> None:
    """Refuse a scope whose readers do not all see some sources, inside the caller's transaction.

    Raises:
        NotVisible: some don't.
    """
    named = list(sources)
    if not named or current_viewer() == EVERYBODY:
        return
    with seeing_everything_here():
        found = read_scopes(organisation, named)
    if _narrowed(organisation, scope, list(found.values())) != scope:
        raise NotVisible(TOO_WIDE, loc=("visible_to",))


def scope_within(organisation: UUID, sources: Iterable[UUID]) -> int:
    """Return the widest scope whose readers see all of some memories, inside the caller's transaction.

    Raises:
        NotVisible: there is none.
    """
    named = list(sources)
    if not named or current_viewer() == EVERYBODY:
        return ORGANISATION_SCOPE
    with seeing_everything_here():
        found = read_scopes(organisation, named)
    scope = _narrowed(organisation, ORGANISATION_SCOPE, list(found.values()))
    if scope is None:
        raise NotVisible(TOO_WIDE)
    return scope


def _narrowed(organisation: UUID, wanted: int, sources: Sequence[int]) -> int | None:
    """Return the widest known scope within the wanted one and those of the sources; None if there is none."""
    private, viewer = sorted(set(sources) - {ORGANISATION_SCOPE}), current_viewer()
    if not private or (wanted == viewer.own and wanted != ORGANISATION_SCOPE):
        return wanted
    known = {
        row.id: row
        for row in AccessScope.objects.filter(organisation_id=organisation, id__in=[wanted, *private])
    }
    limits = [*private, *([wanted] if wanted != ORGANISATION_SCOPE else [])]
    candidates = [wanted, *(each for each in private if viewer.sees(each))]
    for each in candidates:
        if each != ORGANISATION_SCOPE and all(
            _is_within(organisation, known, each, other) for other in limits
        ):
            return each
    own = viewer.own
    if own is None or wanted not in (ORGANISATION_SCOPE, own):
        return None
    return own


def _is_within(organisation: UUID, known: Mapping[int, AccessScope], one: int, other: int) -> bool:
    """Return whether all readers of one scope are readers of another."""
    if one == other:
        return True
    if one not in known or other not in known or known[other].principal_id is not None:
        return False
    groups = set(known[other].groups)
    if known[one].principal_id is None:
        return set(known[one].groups) <= groups
    return GroupMember.objects.filter(
        organisation_id=organisation, principal_id=known[one].principal_id, group_id__in=groups
    ).exists()
