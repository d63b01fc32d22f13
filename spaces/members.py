"""Adding memories to spaces and removing them. Each is one transaction with its decision record."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.tenancy.types import Actor
from memory.queries import MemoryNotFound, get_memory
from spaces.dimension_rules import read_coordinates
from spaces.errors import NotAMember, UnknownMemory
from spaces.models import Member
from spaces.placement import layouts
from spaces.placement.memory_changes import follow_memories
from spaces.placement.outgrowing import mark_outgrown
from spaces.placement.positions import remove_positions
from spaces.queries import get_space
from spaces.recording import record_change, touch


def add_member(
    *,
    organisation: UUID,
    by: Actor,
    space: UUID,
    memory: UUID,
    coordinates: Mapping[str, float | str] | None = None,
) -> bool:
    """Add a memory to a space, or replace its explicit coordinates; return whether it is new.

    Args:
        organisation: whose.
        by: the actor.
        space: which.
        memory: which.
        coordinates: dimension to value in its units, or a level's name on an ordinal scale; None to keep them.

    Raises:
        SpaceNotFound: there is none in this organisation.
        UnknownMemory: there is none in this organisation.
        UnknownDimension, InvalidDimension: an invalid coordinate, named in `loc`.
    """
    with tenant_transaction(organisation):
        row = get_space(organisation=organisation, space=space, lock=True)
        try:
            found = get_memory(organisation=organisation, memory=memory)
        except MemoryNotFound:
            raise UnknownMemory(loc=("memory_id",)) from None
        dimensions = layouts.read_dimensions(organisation=organisation, space=space, version=row.version)
        given = read_coordinates(dimensions, coordinates or {})
        defaults: dict[str, Any] = {"scope_id": found.scope_id}
        if coordinates is not None:
            defaults["given"] = given
        _, is_new = Member.objects.update_or_create(
            organisation_id=organisation, space_id=space, memory_id=memory, defaults=defaults
        )
        explicit = f", with explicit {', '.join(sorted(given))}" if given else ""
        record_change(
            row,
            by,
            "space.add_member",
            f"Added a memory to {row.name!r}{explicit}.",
            inputs={"memory_id": str(memory), "coordinates": given},
            memories=[{"id": str(memory)}],
        )
        follow_memories(organisation, [memory])
        touch(row)
    return is_new


def remove_member(*, organisation: UUID, by: Actor, space: UUID, memory: UUID) -> None:
    """Remove a memory from a space; if the space holds all memories, only its explicit coordinates.

    Raises:
        SpaceNotFound: there is none in this organisation.
        NotAMember: the memory was not added.
    """
    with tenant_transaction(organisation):
        row = get_space(organisation=organisation, space=space, lock=True)
        members = Member.objects.filter(organisation_id=organisation, space_id=space, memory_id=memory)
        deleted, _ = members.delete()
        if not deleted:
            raise NotAMember
        record_change(
            row,
            by,
            "space.remove_member",
            f"Removed a memory from {row.name!r}.",
            inputs={"memory_id": str(memory)},
            memories=[{"id": str(memory)}],
        )
        if row.holds_all:
            follow_memories(organisation, [memory])
        else:
            remove_positions(organisation=organisation, memories=[memory], space=space)
            mark_outgrown(organisation, [memory])
        touch(row)
