"""Building layouts in the background, step by step, each in its own transaction."""

import logging
from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction

from accountability.operations import record
from liftos.kernel.db.transactions import tenant_transaction, whole_tenant
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.jobs import send_hint
from liftos.kernel.tenancy.types import SYSTEM
from memory.index.embeddings import active_manager
from spaces.errors import InvalidDimension, UnknownMemory
from spaces.models import Layout, Space, SpaceVersion
from spaces.placement import layouts
from spaces.placement.axes import resolve
from spaces.placement.outgrowing import mark_outgrown
from spaces.placement.own_texts import Counts, count_own
from spaces.types import Dimension, LayoutState

logger = logging.getLogger("liftos.spaces")


class Waiting(Exception):
    """The next step must wait until older transactions have ended."""


def build_next(*, organisation: UUID) -> bool:
    """Do one step of an organisation's pending work that no other worker has locked; return whether there was one.

    Raises:
        Waiting: the step must wait until older transactions have ended.
    """
    try:
        with whole_tenant(organisation):
            layout = (
                Layout.objects.select_for_update(skip_locked=True, no_key=True)
                .filter(organisation_id=organisation, checked=False)
                .exclude(state=LayoutState.DROPPED)
                .order_by("id")
                .first()
            )
            if layout is None:
                return False
            plan = layouts.get_plan(organisation=organisation, layout=layout.id)
            if layout.state == LayoutState.BUILDING:
                layouts.advance(organisation=organisation, layout=layout, plan=plan)
                return True
            if not layouts.is_settled(layout):
                raise Waiting
            if layout.replaces is not None:
                layouts.lock_for_deletion(organisation=organisation, layouts=[layout.replaces])
            layouts.fill_gaps(organisation=organisation, plan=plan)
            layout.checked = True
            layout.save(update_fields=["checked"])
            _take_place(layout)
            _drop_old(organisation, layout.space_id)
            # memories stored while it was being built may have outgrown its scale
            if not mark_outgrown(organisation) and layout.outgrown:
                transaction.on_commit(lambda: send_hint(layouts.RENEW, organisation))
    except IntegrityError:
        # a memory was erased between reading and placing it: repeat the step without it
        return True
    return True


def renew(*, organisation: UUID, space: UUID, force: bool = False) -> UUID | None:
    """Begin a layout that replaces a space's current one, scaled on its current texts.

    Args:
        organisation: whose.
        space: which.
        force: even if the current scale is still valid.

    Returns:
        Its id; None if the current scale is still valid or can't be recomputed, or a new one is being built.

    Raises:
        EmbedderUnavailable: its poles can't be embedded now.
    """
    with tenant_transaction(organisation):
        row = Space.objects.filter(organisation_id=organisation, id=space).first()
        if row is None:
            return None
        version = SpaceVersion.objects.select_related("layout").get(
            organisation_id=organisation, space_id=space, number=row.version
        )
        dimensions = layouts.read_dimensions(organisation=organisation, space=space, version=row.version)
        if _is_being_built(organisation, space):
            return None
        # older versions are not renewed
        Layout.objects.filter(organisation_id=organisation, space_id=space, outgrown=True).exclude(
            id=version.layout_id
        ).update(outgrown=False)
    old = version.layout
    if not (force or old.outgrown or _has_other_model(organisation, dimensions, old)):
        return None
    try:
        resolved = resolve(
            organisation=organisation, dimensions=dimensions, space=None if row.holds_all else space
        )
    except (InvalidDimension, UnknownMemory) as error:
        _keep_scale(organisation, old, error.message)
        return None
    with tenant_transaction(organisation):
        # check again under the lock: another layout may have been begun, or the dimensions changed
        if (
            not Space.objects.select_for_update(no_key=True)
            .filter(organisation_id=organisation, id=space, version=row.version)
            .exists()
        ):
            return None
        if (
            _is_being_built(organisation, space)
            or not SpaceVersion.objects.filter(
                organisation_id=organisation, space_id=space, number=row.version, layout_id=old.id
            ).exists()
        ):
            return None
        layout = layouts.begin(
            organisation=organisation,
            space=space,
            holds_all=row.holds_all,
            dimensions=dimensions,
            resolved=resolved,
            replaces=old.id,
        )
        record(
            organisation=organisation,
            by=SYSTEM,
            operation="space.renew",
            subject=("space", str(space)),
            reasoning=f"Recomputed the scale of {row.name}: it was based on {old.own} texts, now there are {resolved.counts.own}.",
            outputs={"layout": str(layout.id), "members": layout.total},
            versions={"embedding_model": resolved.model},
        )
    return layout.id


def _has_other_model(organisation: UUID, dimensions: Sequence[Dimension], layout: Layout) -> bool:
    if not any(each.has_poles for each in dimensions):
        return False
    return model_number(active_manager(organisation).model) != layout.model_id


def _keep_scale(organisation: UUID, layout: Layout, why: str) -> None:
    """Keep a scale that can't be recomputed, until its texts outgrow it again."""
    logger.warning("scale not recomputed", extra={"layout": str(layout.id), "why": why})
    with tenant_transaction(organisation):
        counts = Counts(layout.own, layout.around)
        if layout.model_id is not None:
            space = Space.objects.get(organisation_id=organisation, id=layout.space_id)
            counts = count_own(
                organisation=organisation, model=layout.model_id, space=None if space.holds_all else space.id
            )
        Layout.objects.filter(organisation_id=organisation, id=layout.id).update(
            outgrown=False, own=counts.own, around=counts.around
        )


def _is_being_built(organisation: UUID, space: UUID) -> bool:
    unchecked = Layout.objects.filter(organisation_id=organisation, space_id=space, checked=False)
    return unchecked.exclude(state=LayoutState.DROPPED).exists()


def _take_place(layout: Layout) -> None:
    if layout.replaces is None:
        return
    SpaceVersion.objects.filter(organisation_id=layout.organisation_id, layout_id=layout.replaces).update(
        layout_id=layout.id
    )
    Layout.objects.filter(organisation_id=layout.organisation_id, id=layout.replaces).delete()
    Layout.objects.filter(organisation_id=layout.organisation_id, id=layout.id).update(replaces=None)


def _drop_old(organisation: UUID, space: UUID) -> None:
    """Drop the positions of all but the newest layouts of a space."""
    ready = Layout.objects.filter(organisation_id=organisation, space_id=space, state=LayoutState.READY)
    for old in ready.order_by("-id")[layouts.KEPT :]:
        layouts.forget_positions(organisation=organisation, layout=old.id)
        old.state = LayoutState.DROPPED
        old.error = f"Only the positions of the {layouts.KEPT} newest layouts are kept."
        old.save(update_fields=["state", "error"])
