"""Write and delete links, each change with a decision on record and an event in its transaction."""

import json
from typing import Any
from uuid import UUID

from accountability.erasure import cite
from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import raw_cursor, read_column, tenant_transaction
from liftos.kernel.db.viewers import SYSTEM_SCOPE
from liftos.kernel.outbox.operations import emit_many
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.derivation import check_readers, named_sources
from memory.index.writes import insert_links
from memory.links.errors import LinkNotFound, LinksToItself, LinkTargetUnknown
from memory.links.queries import find_links, find_target
from memory.links.statements import CHANGE_LINK, DELETE_LINKS, LOCK_ENDS
from memory.links.types import Link, Linked, LinkOutcome
from memory.queries import MemoryNotFound, read_scopes
from memory.types import LinkDraft, LinkKind, MemoryDraft


def link(*, organisation: UUID, by: Actor, memory: UUID, draft: LinkDraft) -> Linked:
    """Link a memory to another. A link of this kind between the two gets the draft's weight, properties and validity.

    Raises:
        MemoryNotFound: the memory is not in this organisation.
        LinkTargetUnknown: nor is the target, named by id.
        LinksToItself: both are the same.
        NotVisible: it would be derived from a memory that not all of its readers see.
    """
    with observe_operation("memory.link", organisation=str(organisation)), tenant_transaction(organisation):
        source, target = _lock_ends(organisation, memory, draft)
        if target == memory:
            raise LinksToItself(loc=("target",) if draft.target else ("external_id",))
        if draft.kind == LinkKind.DERIVED_FROM:
            scope = read_scopes(organisation, [memory])[memory]
            meant = MemoryDraft("", source=source, links=(draft,), scope=scope)
            sources = {target} if target else named_sources(organisation, {memory: meant}).get(memory, ())
            check_readers(organisation, scope, sources)
        found = find_links(organisation, memory, draft, source, target)
        before = found[0] if found else None
        if before is None:
            insert_links(organisation, [(memory, source, draft)])
        elif _strength(before) == _strength(draft):
            return Linked(before, LinkOutcome.UNCHANGED, None)
        else:
            with raw_cursor() as cursor:
                values = _strength(draft) | {"properties": json.dumps(draft.properties)}
                cursor.execute(CHANGE_LINK, values | {"organisation": organisation, "link": before.number})
        after = find_links(organisation, memory, draft, source, target)[0]
        said = "Linked" if before is None else "Link changed"
        decision = _put_on_record(organisation, by, "memory.link", f"{said}: {after.kind}.", before, after)
        _emit(organisation, "liftos.memory.linked", after, decision)
        return Linked(after, LinkOutcome.CHANGED if before else LinkOutcome.CREATED, decision)


def unlink(*, organisation: UUID, by: Actor, memory: UUID, draft: LinkDraft) -> tuple[list[Link], UUID]:
    """Delete a memory's link of a kind to a target; return what was deleted and the decision.

    A target may be linked by its id and by its external id; both go.

    Raises:
        MemoryNotFound: the memory is not in this organisation.
        LinkNotFound: it has no such link.
    """
    with observe_operation("memory.unlink", organisation=str(organisation)), tenant_transaction(organisation):
        source, target = _lock_ends(organisation, memory, draft, is_known=False)
        found = find_links(organisation, memory, draft, source, target)
        if not found:
            raise LinkNotFound
        with raw_cursor() as cursor:
            cursor.execute(DELETE_LINKS, (organisation, [each.number for each in found]))
        first = found[0]
        decision = _put_on_record(
            organisation, by, "memory.unlink", f"Link deleted: {first.kind}.", first, None
        )
        _emit(organisation, "liftos.memory.unlinked", first, decision)
        return found, decision


def _lock_ends(
    organisation: UUID, memory: UUID, draft: LinkDraft, *, is_known: bool = True
) -> tuple[str, UUID | None]:
    """Lock both ends against erasure; return the source of the link's external id, and its target.

    Args:
        organisation: the tenant.
        memory: the linking memory.
        draft: names the target.
        is_known: whether a target named by id must exist.
    """
    source, target = find_target(organisation, memory, draft)
    ends = [memory] if target is None else [memory, target]
    locked = set(read_column(LOCK_ENDS, (organisation, ends)))
    if memory not in locked:
        raise MemoryNotFound
    if target is not None and target not in locked:
        if draft.target is not None and is_known:
            raise LinkTargetUnknown(loc=("target",))
        # a target by external id that was erased meanwhile is awaited
        target = draft.target
    return source, target


def _strength(link: Link | LinkDraft) -> dict[str, Any]:
    names = ("weight", "properties", "valid_from", "valid_to")
    return {name: getattr(link, name) for name in names}


def _put_on_record(
    organisation: UUID, by: Actor, operation: str, reasoning: str, before: Link | None, after: Link | None
) -> UUID:
    link = after or before
    assert link is not None  # noqa: S101  every change has one
    ends = [link.target] if link.target else []
    decision = record(
        organisation=organisation,
        by=by,
        operation=operation,
        effect=Effect.WRITE if after else Effect.DELETE,
        subject=("memory", str(link.memory)),
        reasoning=reasoning,
        inputs={
            "kind": link.kind,
            "source": link.source,
            "external_id": link.external_id or None,
            "before": before and _recorded(before),
        },
        outputs={"after": after and _recorded(after)},
        memories=[{"id": str(each)} for each in ends],
    )
    cite(organisation=organisation, decision=decision, memories=ends)
    return decision


def _recorded(link: Link) -> dict[str, Any]:
    """Return a link for a decision; its properties are its owner's text, so only their names are recorded."""
    return {
        "weight": link.weight,
        "properties": sorted(link.properties),
        "valid_from": link.valid_from and link.valid_from.isoformat(),
        "valid_to": link.valid_to and link.valid_to.isoformat(),
    }


def _emit(organisation: UUID, type_: str, link: Link, decision: UUID) -> None:
    data = {
        "memory_id": str(link.memory),
        "kind": link.kind,
        "target": str(link.target) if link.target else None,
        "decision_id": str(decision),
    }
    scopes = read_scopes(organisation, [link.memory])
    events = [(f"memories/{link.memory}", data)]
    emit_many(
        organisation=organisation,
        type=type_,
        events=events,
        scope_id=scopes.get(link.memory, SYSTEM_SCOPE),
    )
