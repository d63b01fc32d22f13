"""Layouts: read, begun, kept up to date as memories come and change, and made in the background where they are large.

A layout of up to SMALL members is made in the transaction that begins it. A larger one is made by a worker, a batch in a
transaction; broken off, it goes on where it was. What is stored meanwhile is placed by the store itself (`follow`); what older
transactions store, which do not see the layout, is looked for once they have all ended.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction
from django.db.models.functions import Now

from liftos.kernel.caching.lru import LruTtlCache
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.jobs import send_hint
from memory.index.bulk_reads import Contents, count_living, get_contents, page_contents
from spaces.geometry.projection import Axis
from spaces.models import Layout, SpaceDimension, SpaceVersion
from spaces.placement.axes import Resolved, pack, unpack
from spaces.placement.placing import as_given, needs_metadata, place
from spaces.placement.positions import present_in, remove_positions, write_positions
from spaces.placement.statements import (
    CONCERNED,
    COUNT_MEMBERS,
    FORGET_POSITIONS,
    GIVEN,
    OLDEST_TRANSACTION,
    PAGE_OF_MEMBERS,
    THIS_TRANSACTION,
)
from spaces.types import Dimension, Example, LayoutState, Scale

SMALL = 1_000
BATCH = 2_000
TASK = "spaces.make_layouts"
RENEW = "spaces.renew_scales"
# the newest so many layouts of a space are kept up to date: so many changes back a query can ask
KEPT = 5


@dataclass(frozen=True, slots=True)
class Plan:
    """What a layout places memories by; the same for as long as it exists."""

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
    """Begin a layout; a small one is ready when this returns, for a large one a worker is told on commit."""
    directions, found = pack(resolved.axes)
    with raw_cursor() as cursor:
        row = cursor.execute(THIS_TRANSACTION).fetchone()
        members = cursor.execute(COUNT_MEMBERS, (organisation, space)).fetchone()
    assert row is not None  # noqa: S101  a SELECT without FROM has one row
    assert members is not None  # noqa: S101  nor is an aggregate without one
    layout = Layout.objects.create(
        organisation_id=organisation,
        space_id=space,
        model_id=resolved.model,
        axes=directions,
        found=found,
        sample=resolved.sample,
        own=resolved.counts.own,
        around=resolved.counts.around,
        total=count_living(organisation=organisation) if holds_all else members[0],
        begun_in=int(row[0]),
        replaces=replaces,
    )
    if layout.total <= SMALL:
        plan = Plan(
            layout.id, space, holds_all, resolved.model, resolved.sample, tuple(dimensions), resolved.axes
        )
        while advance(organisation=organisation, layout=layout, plan=plan):
            pass
    transaction.on_commit(lambda: send_hint(TASK, organisation))
    return layout


def advance(*, organisation: UUID, layout: Layout, plan: Plan) -> bool:
    """Place the next batch of a layout; when there is none, the layout is ready. Tell whether there was one."""
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
    """Place members that have no position in a layout; return how many there were."""
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
    """Place memories that have come or changed in every layout that they belong to; take away those that are not believed.

    Returns:
        Of the scales in use that they belong to, on how few own texts one was made; None where there is no such scale.
    """
    with raw_cursor() as cursor:
        rows = cursor.execute(CONCERNED, {"organisation": organisation, "ids": list(memories)}).fetchall()
    if not rows:
        return None
    living: set[UUID] = set()
    for layout, space, holds_all, _ in rows:
        plan = get_plan(organisation=organisation, layout=layout)
        own = memories if holds_all else _members_among(organisation, space, memories)
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
    """Return what the next members of a layout say, in the order of their ids; of a member that is not living, nothing."""
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
        with raw_cursor() as cursor:
            ids = [row[0] for row in cursor.execute(PAGE_OF_MEMBERS, values).fetchall()]
        found = get_contents(organisation=organisation, model=model, memories=ids, metadata=metadata)
        if found.ids or not ids:
            return found
        after = ids[-1]


def some(organisation: UUID, plan: Plan, memories: Sequence[UUID]) -> Contents:
    """Return what some memories say, as far as a layout needs it."""
    return get_contents(
        organisation=organisation,
        model=plan.model,
        memories=memories,
        metadata=needs_metadata(plan.dimensions),
    )


def read_given(organisation: UUID, space: UUID, memories: Sequence[UUID]) -> Mapping[UUID, dict[str, float]]:
    """Return the explicit coordinates of members, by folded name of the dimension."""
    with raw_cursor() as cursor:
        values = {"organisation": organisation, "space": space, "ids": list(memories)}
        rows = cursor.execute(GIVEN, values).fetchall()
    return {row[0]: as_given(json.loads(row[1])) for row in rows}


def get_plan(*, organisation: UUID, layout: UUID) -> Plan:
    """Return what a layout places by; kept in the process, as it never changes."""
    plan = _plans.get(layout)
    if plan is None:
        row = Layout.objects.select_related("space").get(organisation_id=organisation, id=layout)
        # one that is being made to take another's place is by the same description
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


def keep_for_deleting(*, organisation: UUID, layouts: Sequence[UUID]) -> None:
    """Lock layouts that this transaction will delete, before it touches any position: it waits for those who place memories in them."""
    rows = Layout.objects.filter(organisation_id=organisation, id__in=layouts)
    list(rows.order_by("id").select_for_update().values_list("id"))


def forget_positions(*, organisation: UUID, layout: UUID) -> None:
    """Remove all positions of a layout."""
    with raw_cursor() as cursor:
        cursor.execute(FORGET_POSITIONS, (organisation, layout))


def read_dimensions(*, organisation: UUID, space: UUID, version: int) -> tuple[Dimension, ...]:
    """Return the dimensions of one version of a space, in their order."""
    rows = SpaceDimension.objects.filter(organisation_id=organisation, space_id=space, version=version)
    return tuple(as_dimension(row) for row in rows.order_by("place"))


def as_dimension(row: SpaceDimension) -> Dimension:
    """Return a dimension's row as its description."""
    return Dimension(
        name=row.name,
        description=row.description,
        unit=row.unit,
        low=tuple(row.low),
        high=tuple(row.high),
        low_memories=tuple(row.low_memories),
        high_memories=tuple(row.high_memories),
        examples=tuple(
            Example(
                each["value"], each.get("text", ""), UUID(each["memory_id"]) if "memory_id" in each else None
            )
            for each in row.examples
        ),
        field=row.field,
        scale=Scale(row.scale),
        range=(row.range_low, row.range_high),
        levels=tuple(row.levels),
        weight=row.weight,
        domain=row.domain,
    )


def is_settled(layout: Layout) -> bool:
    """Tell whether every transaction that began before a layout was there has ended."""
    with raw_cursor() as cursor:
        row = cursor.execute(OLDEST_TRANSACTION).fetchone()
    return row is not None and int(row[0]) > layout.begun_in


def list_organisations_with_layouts_to_make() -> list[UUID]:
    """Return the organisations in which layouts wait. Runs outside of a tenant, by a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_layouts_to_make()")
        return [row[0] for row in cursor.fetchall()]


def list_organisations_with_outgrown_scales() -> list[UUID]:
    """Return the organisations that have scales to make anew. Runs outside of a tenant, by a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_outgrown_scales()")
        return [row[0] for row in cursor.fetchall()]


def _members_among(organisation: UUID, space: UUID, memories: Sequence[UUID]) -> list[UUID]:
    return list(read_given(organisation, space, memories))
