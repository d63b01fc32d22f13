"""Versions of spaces: writing one, and replacing a space's dimensions by the next. Texts are embedded before the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter_ns
from uuid import UUID

from django.utils import timezone

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from spaces.dimension_rows import as_row
from spaces.dimension_rules import check_dimensions
from spaces.errors import SpaceChanged
from spaces.models import Layout, Space, SpaceDimension, SpaceVersion
from spaces.placement import layouts
from spaces.placement.axes import Resolved, resolve
from spaces.queries import get_space
from spaces.recording import emit_event, record_change
from spaces.types import Dimension


@dataclass(frozen=True, slots=True)
class PreparedChange:
    """New dimensions for a space, and the version and dimensions they replace; axes only if members move."""

    version: int
    old: tuple[Dimension, ...]
    dimensions: tuple[Dimension, ...]
    resolved: Resolved | None
    took_ns: int


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
            decision = record_change(
                row,
                by,
                "space.change",
                f"Version {number} of {row.name!r}: {_difference(old, dimensions)}.",
                inputs={"version": row.version, "dimensions": [each.name for each in old]},
                outputs={"version": number, "dimensions": [each.name for each in dimensions], "moves": moves},
                versions={"embedding_model": resolved.model if resolved else None},
            )
            shared = (
                None if moves else layouts.hold(organisation=organisation, space=space, version=row.version)
            )
            version = write_version(row, number, by, dimensions, decision, shared, resolved)
            row.version, row.updated_at = number, timezone.now()
            row.save(update_fields=["version", "updated_at"])
            emit_event(row, "liftos.space.version.published", decision)
        return version


def write_version(
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
    key = {"organisation_id": organisation, "space_id": space.id, "version": number}
    SpaceDimension.objects.bulk_create(
        [SpaceDimension(**key, place=place, **as_row(each)) for place, each in enumerate(dimensions)]
    )
    return version


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
