"""Layouts: reading, beginning and building them, and updating them as memories change.

A layout of up to SMALL members is built in the transaction that begins it. A larger one is built by a worker, one batch per
transaction, and resumes after an interruption. Memories stored meanwhile are placed on write (`follow`); those of older
transactions, which do not see the layout, are filled in once these have ended.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.transactions import raw_cursor, read_column, read_value, seen_by_current_viewer
from liftos.kernel.db.viewers import seeing_everything
from liftos.kernel.jobs import send_hint
from memory.index.bulk_reads import Contents, count_living, get_contents, page_contents
from spaces.dimension_rows import as_dimension
from spaces.geometry.projection import Axis
from spaces.models import Layout, SpaceDimension, SpaceVersion
from spaces.placement.axes import Resolved, pack, unpack
from spaces.placement.placing import fold_names, needs_metadata, place
from spaces.placement.positions import present_in, remove_positions, scope_members, write_positions
from spaces.placement.statements import (
    CONCERNED,
    COUNT_MEMBERS,
    FORGET_POSITIONS,
    GIVEN,
    OLDEST_TRANSACTION,
    PAGE_OF_MEMBERS,
    THIS_TRANSACTION,
)
from spaces.types import Dimension, LayoutState

SMALL = 1_000
BATCH = 2_000
TASK = "spaces.make_layouts"
RENEW = "spaces.renew_scales"
# newest layouts of a space that are kept up to date, and that queries can use
KEPT = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """The definition by which a layout places memories; it never changes."""

    id: UUID
    space: UUID
    holds_all: bool
    model: int | None
    sample: int
    dimensions: tuple[Dimension, ...]
    axes: tuple[Axis | None, ...]


_plans: LruTtlCache[UUID, Plan] = LruTtlCache(256, math.inf)


def begin(
    *,
    organisation: UUID,
    space: UUID,
    holds_all: bool,
    dimensions: Sequence[Dimension],
    resolved: Resolved,
    replaces: UUID | None = None,
) -> Layout:
    """Begin a layout; a small one is ready on return, a large one is built by a worker after commit."""
    directions, found = pack(resolved.axes)
    with seeing_everything(), seen_by_current_viewer():
        if holds_all:
            total = count_living(organisation=organisation)
        else:
            total = read_value(COUNT_MEMBERS, (organisation, space))
    layout = Layout.objects.create(
        organisation_id=organisation,
        space_id=space,
        model_id=resolved.model,
        axes=directions,
        found=found,
        sample=resolved.sample,
        own=resolved.counts.own,
        around=resolved.counts.around,
        total=total,
        begun_in=int(read_value(THIS_TRANSACTION)),
        replaces=replaces,
    )
    if layout.total <= SMALL:
        plan = Plan(
            layout.id, space, holds_all, resolved.model, resolved.sample, tuple(dimensions), resolved.axes
        )
        # a layout holds everybody's memories; each viewer sees its own of them
        with seeing_everything(), seen_by_current_viewer():
            while advance(organisation=organisation, layout=layout, plan=plan):
                pass
    transaction.on_commit(lambda: send_hint(TASK, organisation))
    return layout


def advance(*, organisation: UUID, layout: Layout, plan: Plan) -> bool:
    """Place the next batch of a layout and return True; if there is none, mark the layout ready and return False."""
    contents = page(organisation, plan, layout.cursor, BATCH)
    if not contents.ids:
        layout.state, layout.ready_at = LayoutState.READY, Now()
        layout.save(update_fields=["state", "ready_at"])
        return False
    write(organisation, plan, contents)
    layout.cursor, layout.done = max(contents.ids), layout.done + len(contents.ids)
    layout.save(update_fields=["cursor", "done"])
    return True


def fill_gaps(*, organisation: UUID, plan: Plan) -> int:
    """Place members that have no position in a layout; return how many."""
    filled, after = 0, None
    while True:
        ids = page(organisation, plan, after, BATCH, only_ids=True).ids
        if not ids:
            return filled
        missing = sorted(set(ids) - present_in(organisation=organisation, layout=plan.id, memories=ids))
        if missing:
            write(organisation, plan, some(organisation, plan, missing))
            filled += len(missing)
        after = max(ids)


def follow(organisation: UUID, memories: Sequence[UUID]) -> int | None:
    """Update the positions of new or changed memories in every layout, and remove those of memories that are no longer living.

    Returns:
        The smallest number of own texts among the affected scales in use, None if there is none.
    """
    scope_members(organisation=organisation, memories=memories)
    rows = raw_cursor().execute(CONCERNED, {"organisation": organisation, "ids": list(memories)}).fetchall()
    if not rows:
        return None
    living: set[UUID] = set()
    for layout, space, holds_all, _ in rows:
        plan = get_plan(organisation=organisation, layout=layout)
        own = memories if holds_all else list(read_given(organisation, space, memories))
        contents = some(organisation, plan, own)
        living.update(contents.ids)
        write(organisation, plan, contents)
    gone = [each for each in memories if each not in living]
    if gone:
        remove_positions(organisation=organisation, memories=gone)
    return min((row[3] for row in rows if row[3] is not None), default=None)


def write(organisation: UUID, plan: Plan, contents: Contents) -> None:
    """Place memories in a layout."""
    given = read_given(organisation, plan.space, contents.ids)
    placed = place(contents, plan.dimensions, plan.axes, given)
    write_positions(organisation=organisation, layout=plan.id, placed=placed)


def page(
    organisation: UUID, plan: Plan, after: UUID | None, limit: int, *, only_ids: bool = False
) -> Contents:
    """Return the contents of a layout's next living members, in order of id."""
    model = None if only_ids else plan.model
    metadata = not only_ids and needs_metadata(plan.dimensions)
    if plan.holds_all:
        return page_contents(
            organisation=organisation, model=model, after=after, limit=limit, metadata=metadata
        )
    while True:
        values = {
            "organisation": organisation,
            "space": plan.space,
            "after": after or UUID(int=0),
            "limit": limit,
        }
        ids = read_column(PAGE_OF_MEMBERS, values)
        found = get_contents(organisation=organisation, model=model, memories=ids, metadata=metadata)
        if found.ids or not ids:
            return found
        after = ids[-1]


def some(organisation: UUID, plan: Plan, memories: Sequence[UUID]) -> Contents:
    """Return the contents of some memories, as far as a layout needs them."""
    return get_contents(
        organisation=organisation,
        model=plan.model,
        memories=memories,
        metadata=needs_metadata(plan.dimensions),
    )


def read_given(organisation: UUID, space: UUID, memories: Sequence[UUID]) -> Mapping[UUID, dict[str, float]]:
    """Return the explicit coordinates of members, by casefolded dimension name."""
    values = {"organisation": organisation, "space": space, "ids": list(memories)}
    rows = raw_cursor().execute(GIVEN, values).fetchall()
    return {row[0]: fold_names(json.loads(row[1])) for row in rows}


def get_plan(*, organisation: UUID, layout: UUID) -> Plan:
    """Return a layout's plan, cached in the process."""
    plan = _plans.get(layout)
    if plan is None:
        row = Layout.objects.select_related("space").get(organisation_id=organisation, id=layout)
        # a replacement has the same dimensions as the layout it replaces
        described = SpaceVersion.objects.filter(
            organisation_id=organisation, layout_id__in=[row.id, row.replaces]
        ).order_by("number")[0]
        dimensions = read_dimensions(organisation=organisation, space=row.space_id, version=described.number)
        plan = Plan(
            row.id, row.space_id, row.space.holds_all, row.model_id, row.sample, dimensions,
            unpack(bytes(row.axes), row.found),
        )  # fmt: skip
        _plans.put(layout, plan)
    return plan


def hold(*, organisation: UUID, space: UUID, version: int) -> Layout:
    """Return a version's layout, which a replacement can't delete until this transaction ends."""
    while True:
        number = SpaceVersion.objects.get(
            organisation_id=organisation, space_id=space, number=version
        ).layout_id
        layout = (
            Layout.objects.select_for_update(no_key=True)
            .filter(organisation_id=organisation, id=number)
            .first()
        )
        if layout is not None:
            return layout


def lock_for_deletion(*, organisation: UUID, layouts: Sequence[UUID]) -> None:
    """Lock layouts that this transaction will delete before it touches positions, waiting for writers that place memories in them."""
    rows = Layout.objects.filter(organisation_id=organisation, id__in=layouts)
    list(rows.order_by("id").select_for_update().values_list("id"))


def forget_positions(*, organisation: UUID, layout: UUID) -> None:
    """Remove all positions of a layout."""
    raw_cursor().execute(FORGET_POSITIONS, (organisation, layout))


def read_dimensions(*, organisation: UUID, space: UUID, version: int) -> tuple[Dimension, ...]:
    """Return the dimensions of one version of a space, in their order."""
    rows = SpaceDimension.objects.filter(organisation_id=organisation, space_id=space, version=version)
    return tuple(as_dimension(row) for row in rows.order_by("place"))


def is_settled(layout: Layout) -> bool:
    """Return whether every transaction that began before the layout did has ended."""
    return int(read_value(OLDEST_TRANSACTION)) > layout.begun_in


def list_organisations_with_layouts_to_make() -> list[UUID]:
    """Return the organisations with layouts to build. Runs outside a tenant transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_layouts_to_make()")
        return [row[0] for row in cursor.fetchall()]


def list_organisations_with_outgrown_scales() -> list[UUID]:
    """Return the organisations with outgrown scales. Runs outside a tenant transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_outgrown_scales()")
        return [row[0] for row in cursor.fetchall()]
