"""Making layouts in the background: one step of it, in a transaction of its own."""

from uuid import UUID

from django.db import IntegrityError

from accountability.operations import record
from liftos.db import tenant_transaction
from liftos.tenancy.types import SYSTEM
from spaces import layouts
from spaces.axes import resolve
from spaces.models import Layout, Space, SpaceVersion
from spaces.types import LayoutState

# a scale is made anew when the organisation has so many times the texts it was made on, and at least so many
GROWTH = 2
LEAST = 25


class Waiting(Exception):
    """The next step can only be done when older transactions have ended."""


def make_next(*, organisation: UUID) -> bool:
    """Do one step of what waits in an organisation that nobody else works on; tell whether there was one.

    Raises:
        Waiting: all that is left waits for older transactions to end.
    """
    try:
        with tenant_transaction(organisation):
            layout = (
                Layout.objects.select_for_update(skip_locked=True)
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
            layouts.fill_gaps(organisation=organisation, plan=plan)
            layout.checked = True
            layout.save(update_fields=["checked"])
            _take_place(layout)
            _drop_old(organisation, layout.space_id)
    except IntegrityError:
        # a memory was erased between reading and placing it: the step is done again, without it
        return True
    return True


def renew(*, organisation: UUID, space: UUID, force: bool = False) -> UUID | None:
    """Begin a layout that takes the place of a space's present one, on the organisation's texts of today.

    Returns:
        Its id; None where the present scale still serves, or a new one is being made.
    """
    with tenant_transaction(organisation):
        row = Space.objects.filter(organisation_id=organisation, id=space).first()
        if row is None:
            return None
        version = SpaceVersion.objects.select_related("layout").get(
            organisation_id=organisation, space_id=space, number=row.version
        )
        dimensions = layouts.read_dimensions(organisation=organisation, space=space, version=row.version)
        waiting = Layout.objects.filter(organisation_id=organisation, space_id=space, checked=False)
        if waiting.exclude(state=LayoutState.DROPPED).exists():
            return None
    resolved = resolve(organisation=organisation, dimensions=dimensions)
    old = version.layout
    fresh = not old.found.get("stale") and resolved.model == old.model_id
    if not force and fresh and resolved.sample < max(LEAST, GROWTH * old.sample):
        return None
    with tenant_transaction(organisation):
        Space.objects.select_for_update().get(organisation_id=organisation, id=space)
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
            reasoning=f"The scale of {row.name} was made on {old.sample} texts, there are {resolved.sample} now.",
            outputs={"layout": str(layout.id), "members": layout.total},
            versions={"embedding_model": resolved.model},
        )
    return layout.id


def _take_place(layout: Layout) -> None:
    if layout.replaces is None:
        return
    SpaceVersion.objects.filter(organisation_id=layout.organisation_id, layout_id=layout.replaces).update(
        layout_id=layout.id
    )
    Layout.objects.filter(organisation_id=layout.organisation_id, id=layout.replaces).delete()
    Layout.objects.filter(organisation_id=layout.organisation_id, id=layout.id).update(replaces=None)


def _drop_old(organisation: UUID, space: UUID) -> None:
    """Mark the layouts of versions far back as no longer kept, and drop their positions."""
    ready = Layout.objects.filter(organisation_id=organisation, space_id=space, state=LayoutState.READY)
    for old in ready.order_by("-id")[layouts.KEPT :]:
        layouts.forget_positions(organisation=organisation, layout=old.id)
        old.state = LayoutState.DROPPED
        old.error = "No longer kept: the space has been changed too often since."
        old.save(update_fields=["state", "error"])
