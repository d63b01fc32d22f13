"""Creating and changing spaces. Each is one transaction with its decision record; texts are embedded before it begins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter_ns
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.outbox.operations import emit
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import SYSTEM, Actor
from memory.queries import MemoryNotFound, get_memory
from spaces.dimension_rules import check_dimensions, read_coordinates
from spaces.errors import NameTaken, NotAMember, SpaceChanged, UnknownMemory
from spaces.models import Layout, Member, Space, SpaceDimension, SpaceVersion
from spaces.placement import layouts
from spaces.placement.axes import Resolved, resolve
from spaces.placement.memory_changes import follow_memories
from spaces.placement.outgrowing import mark_outgrown
from spaces.placement.positions import remove_positions
from spaces.queries import get_default, get_space
from spaces.space_templates import TEMPLATES, known_dimension
from spaces.types import Dimension


@dataclass(frozen=True, slots=True)
class PreparedDimensions:
    """Checked dimensions with their axes, and how long it took to compute them."""

    dimensions: tuple[Dimension, ...]
    resolved: Resolved
    took_ns: int


@dataclass(frozen=True, slots=True)
class PreparedChange:
    """New dimensions for a space, and the version and dimensions they replace; axes only if members move."""

    version: int
    old: tuple[Dimension, ...]
    dimensions: tuple[Dimension, ...]
    resolved: Resolved | None
    took_ns: int


def create_space(
    *,
    organisation: UUID,
    by: Actor,
    name: str,
    dimensions: Sequence[Dimension],
    description: str = "",
    holds_all: bool = False,
    is_default: bool = False,
) -> Space:
    """Create a space.

    Args:
        organisation: whose.
        by: the actor.
        name: unique in the organisation, case-insensitive.
        dimensions: 1 to MAX_DIMENSIONS.
        description: for people.
        holds_all: every living memory is a member; otherwise members are added.
        is_default: used by searches that name no space; implies `holds_all`.

    Raises:
        NameTaken: a space has this name already.
        InvalidDimension, UnknownMemory: `loc` names the dimension.
        EmbedderUnavailable: its poles can't be embedded now.
    """
    return commit_space(
        organisation=organisation,
        by=by,
        name=name,
        prepared=prepare_dimensions(organisation=organisation, dimensions=dimensions),
        description=description,
        holds_all=holds_all,
        is_default=is_default,
    )


def prepare_dimensions(
    *, organisation: UUID, dimensions: Sequence[Dimension], space: UUID | None = None
) -> PreparedDimensions:
    """Check dimensions and compute their axes. Calls the model, so call it outside a transaction.

    Args:
        organisation: whose.
        dimensions: 1 to MAX_DIMENSIONS.
        space: whose members set the scales; None for all memories.

    Raises:
        InvalidDimension, UnknownMemory, EmbedderUnavailable: as for `create_space`.
    """
    started = perf_counter_ns()
    check_dimensions(dimensions)
    resolved = resolve(organisation=organisation, dimensions=dimensions, space=space)
    return PreparedDimensions(tuple(dimensions), resolved, perf_counter_ns() - started)


def commit_space(
    *,
    organisation: UUID,
    by: Actor,
    name: str,
    prepared: PreparedDimensions,
    description: str = "",
    holds_all: bool = False,
    is_default: bool = False,
) -> Space:
    """Write a space with prepared dimensions. See `create_space`.

    Raises:
        NameTaken: a space has this name already.
    """
    dimensions, resolved = prepared.dimensions, prepared.resolved
    observed = observe_operation("space.create", organisation=str(organisation))
    with observed.count_in(prepared.took_ns):
        with tenant_transaction(organisation):
            try:
                with transaction.atomic():
                    space = Space.objects.create(
                        organisation_id=organisation,
                        name=name.strip(),
                        name_key=name.strip().casefold(),
                        description=description,
                        holds_all=holds_all or is_default,
                        is_default=is_default,
                        actor_kind=by.kind,
                        actor_id=by.id,
                    )
            except IntegrityError:
                raise NameTaken(f"A space called {name.strip()!r} already exists.", loc=("name",)) from None
            decision = record(
                organisation=organisation,
                by=by,
                operation="space.create",
                effect=Effect.WRITE,
                subject=("space", str(space.id)),
                reasoning=f"Created space {space.name!r} with {len(dimensions)} dimensions.",
                inputs={"name": space.name, "dimensions": [each.name for each in dimensions]},
                outputs={"version": 1},
                versions={"embedding_model": resolved.model},
            )
            _write_version(space, 1, by, dimensions, decision, None, resolved)
            _emit(space, "liftos.space.created", decision)
        return space


def change_dimensions(
    *, organisation: UUID, by: Actor, space: UUID, dimensions: Sequence[Dimension]
) -> SpaceVersion:
    """Replace a space's dimensions in a new version. One that moves no member (weights, descriptions) is ready at once.

    Raises:
        SpaceNotFound: there is none in this organisation.
        InvalidDimension, UnknownMemory: `loc` names the dimension.
        SpaceChanged: another change came first.
        EmbedderUnavailable: its poles can't be embedded now.
    """
    prepared = prepare_change(organisation=organisation, space=space, dimensions=dimensions)
    return commit_change(organisation=organisation, by=by, space=space, prepared=prepared)


def prepare_change(*, organisation: UUID, space: UUID, dimensions: Sequence[Dimension]) -> PreparedChange:
    """Read a space's present dimensions and find the axes of others. Calls the model: not inside a transaction.

    Raises:
        As `change_dimensions`.
    """
    started = perf_counter_ns()
    check_dimensions(dimensions)
    with tenant_transaction(organisation):
        before = get_space(organisation=organisation, space=space)
        old = layouts.read_dimensions(organisation=organisation, space=space, version=before.version)
    moves = [each.placing for each in old] != [each.placing for each in dimensions]
    # explicit coordinates go by the dimension's name
    moves = moves or [each.name.casefold() for each in old] != [each.name.casefold() for each in dimensions]
    members_of = None if before.holds_all else space
    resolved = resolve(organisation=organisation, dimensions=dimensions, space=members_of) if moves else None
    return PreparedChange(
        before.version, tuple(old), tuple(dimensions), resolved, perf_counter_ns() - started
    )


def commit_change(*, organisation: UUID, by: Actor, space: UUID, prepared: PreparedChange) -> SpaceVersion:
    """Write a prepared change of dimensions.

    Raises:
        SpaceNotFound: there is none in this organisation.
        SpaceChanged: it is at another version than the change was prepared on.
    """
    old, dimensions, resolved = prepared.old, prepared.dimensions, prepared.resolved
    moves = resolved is not None
    observed = observe_operation("space.change", organisation=str(organisation))
    with observed.count_in(prepared.took_ns):
        with tenant_transaction(organisation):
            row = get_space(organisation=organisation, space=space, lock=True)
            if row.version != prepared.version:
                raise SpaceChanged(loc=("dimensions",))
            number = row.version + 1
            decision = record(
                organisation=organisation,
                by=by,
                operation="space.change",
                effect=Effect.WRITE,
                subject=("space", str(space)),
                reasoning=f"Version {number} of {row.name!r}: {_difference(old, dimensions)}.",
                inputs={"version": row.version, "dimensions": [each.name for each in old]},
                outputs={"version": number, "dimensions": [each.name for each in dimensions], "moves": moves},
                versions={"embedding_model": resolved.model if resolved else None},
            )
            shared = (
                None if moves else layouts.hold(organisation=organisation, space=space, version=row.version)
            )
            version = _write_version(row, number, by, dimensions, decision, shared, resolved)
            row.version, row.updated_at = number, timezone.now()
            row.save(update_fields=["version", "updated_at"])
            _emit(row, "liftos.space.changed", decision)
        return version


def delete_space(*, organisation: UUID, by: Actor, space: UUID) -> None:
    """Delete a space with everything in it; the memories stay.

    Raises:
        SpaceNotFound: there is none in this organisation.
    """
    with tenant_transaction(organisation):
        row = get_space(organisation=organisation, space=space, lock=True)
        own = Layout.objects.filter(organisation_id=organisation, space_id=space)
        layouts.lock_for_deletion(organisation=organisation, layouts=list(own.values_list("id", flat=True)))
        decision = record(
            organisation=organisation,
            by=by,
            operation="space.delete",
            effect=Effect.DELETE,
            risk_class=RiskClass.LIMITED,
            subject=("space", str(space)),
            reasoning=f"Deleted space {row.name!r}; its memories stay.",
            inputs={"name": row.name, "version": row.version},
        )
        _emit(row, "liftos.space.deleted", decision)
        Space.objects.filter(organisation_id=organisation, id=space).delete()


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
            get_memory(organisation=organisation, memory=memory)
        except MemoryNotFound:
            raise UnknownMemory(loc=("memory_id",)) from None
        dimensions = layouts.read_dimensions(organisation=organisation, space=space, version=row.version)
        given = read_coordinates(dimensions, coordinates or {})
        defaults = {"given": given} if coordinates is not None else {}
        _, is_new = Member.objects.update_or_create(
            organisation_id=organisation, space_id=space, memory_id=memory, defaults=defaults
        )
        record(
            organisation=organisation,
            by=by,
            operation="space.add_member",
            effect=Effect.WRITE,
            subject=("space", str(space)),
            reasoning=f"Added a memory to {row.name!r}"
            + (f", with explicit {', '.join(sorted(given))}." if given else "."),
            inputs={"memory_id": str(memory), "coordinates": given},
            memories=[{"id": str(memory)}],
        )
        follow_memories(organisation, [memory])
        _touch(organisation, space)
    return is_new


def remove_member(*, organisation: UUID, by: Actor, space: UUID, memory: UUID) -> None:
    """Remove a memory from a space; if the space holds all memories, only its explicit coordinates.

    Raises:
        SpaceNotFound: there is none in this organisation.
        NotAMember: the memory was not added.
    """
    with tenant_transaction(organisation):
        row = get_space(organisation=organisation, space=space, lock=True)
        deleted, _ = Member.objects.filter(
            organisation_id=organisation, space_id=space, memory_id=memory
        ).delete()
        if not deleted:
            raise NotAMember
        record(
            organisation=organisation,
            by=by,
            operation="space.remove_member",
            effect=Effect.WRITE,
            subject=("space", str(space)),
            reasoning=f"Removed a memory from {row.name!r}.",
            inputs={"memory_id": str(memory)},
            memories=[{"id": str(memory)}],
        )
        if row.holds_all:
            follow_memories(organisation, [memory])
        else:
            remove_positions(organisation=organisation, memories=[memory], space=space)
            mark_outgrown(organisation, [memory])
        _touch(organisation, space)


def ensure_default(organisation: UUID) -> Space:
    """Return the organisation's default space, creating it from the default template if there is none.

    Raises:
        EmbedderUnavailable: it has to be created, and its poles can't be embedded now.
    """
    with tenant_transaction(organisation):
        found = get_default(organisation=organisation)
    if found is not None:
        return found
    template = TEMPLATES[settings.LIFTOS_DEFAULT_SPACE]
    try:
        return create_space(
            organisation=organisation,
            by=SYSTEM,
            name=f"All memories ({template.title.lower()})",
            description=f"Places every memory. {template.description}",
            dimensions=template.dimensions,
            is_default=True,
        )
    except NameTaken:
        with tenant_transaction(organisation):
            found = get_default(organisation=organisation)
        if found is None:
            raise
        return found


def named_dimensions(names: Sequence[str]) -> list[Dimension]:
    """Return dimensions by name: the templates' if one matches, else one without poles."""
    return [known_dimension(name) for name in names]


def _write_version(
    space: Space,
    number: int,
    by: Actor,
    dimensions: Sequence[Dimension],
    decision: UUID,
    layout: Layout | None,
    resolved: Resolved | None,
) -> SpaceVersion:
    """Write a version and its dimensions, with a shared layout or, without one, a new layout of the resolved axes."""
    organisation = space.organisation_id
    if layout is None:
        assert resolved is not None  # noqa: S101  a new layout always has axes
        layout = layouts.begin(
            organisation=organisation,
            space=space.id,
            holds_all=space.holds_all,
            dimensions=dimensions,
            resolved=resolved,
        )
    version = SpaceVersion.objects.create(
        organisation_id=organisation,
        space_id=space.id,
        number=number,
        layout=layout,
        actor_kind=by.kind,
        actor_id=by.id,
        decision_id=decision,
    )
    SpaceDimension.objects.bulk_create(
        [_row(space, number, place, each) for place, each in enumerate(dimensions)]
    )
    return version


def _row(space: Space, version: int, place: int, each: Dimension) -> SpaceDimension:
    return SpaceDimension(
        organisation_id=space.organisation_id,
        space_id=space.id,
        version=version,
        place=place,
        name=each.name,
        description=each.description,
        unit=each.unit,
        low=list(each.low),
        high=list(each.high),
        low_memories=list(each.low_memories),
        high_memories=list(each.high_memories),
        examples=[example.as_json() for example in each.examples],
        field=each.field,
        scale=each.scale,
        range_low=each.range[0],
        range_high=each.range[1],
        levels=list(each.levels),
        weight=each.weight,
        domain=each.domain,
    )


def _difference(old: Sequence[Dimension], new: Sequence[Dimension]) -> str:
    """Describe the difference between two lists of dimensions."""
    before, after = ({each.name.casefold(): each for each in some} for some in (old, new))
    parts = []
    for title, names in (("added", after.keys() - before.keys()), ("removed", before.keys() - after.keys())):
        if names:
            parts.append(f"{title} {', '.join(sorted(names))}")
    for name in before.keys() & after.keys():
        one, other = before[name], after[name]
        if one.placing != other.placing:
            parts.append(f"{name} redefined")
        elif replace(one, name=other.name) != other:
            parts.append(f"{name} reweighted or renamed")
    return "; ".join(sorted(parts)) or "dimensions reordered"


def _touch(organisation: UUID, space: UUID) -> None:
    Space.objects.filter(organisation_id=organisation, id=space).update(updated_at=timezone.now())


def _emit(space: Space, kind: str, decision: UUID) -> None:
    emit(
        organisation=space.organisation_id,
        type=kind,
        subject=f"spaces/{space.id}",
        data={
            "space_id": str(space.id),
            "name": space.name,
            "version": space.version,
            "decision_id": str(decision),
        },
    )
