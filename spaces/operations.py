"""Creating, changing and deleting spaces: what other apps call. Each operation is one transaction with its decision record.

Texts are embedded before the transaction begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter_ns
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import SYSTEM, Actor
from spaces.dimension_rules import check_dimensions
from spaces.errors import NameTaken
from spaces.members import add_member, remove_member
from spaces.models import Layout, Space
from spaces.placement import layouts
from spaces.placement.axes import Resolved, resolve
from spaces.queries import get_default, get_space
from spaces.recording import emit_event, record_change
from spaces.space_templates import TEMPLATES, known_dimension
from spaces.types import Dimension
from spaces.versions import PreparedChange, change_dimensions, commit_change, prepare_change, write_version

__all__ = [
    "PreparedChange", "PreparedDimensions", "add_member", "change_dimensions", "commit_change", "commit_space", "create_space",
    "delete_space", "ensure_default", "named_dimensions", "prepare_change", "prepare_dimensions", "remove_member",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class PreparedDimensions:
    """Checked dimensions with their axes, and how long it took to compute them."""

    dimensions: tuple[Dimension, ...]
    resolved: Resolved
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
            decision = record_change(
                space,
                by,
                "space.create",
                f"Created space {space.name!r} with {len(dimensions)} dimensions.",
                inputs={"name": space.name, "dimensions": [each.name for each in dimensions]},
                outputs={"version": 1},
                versions={"embedding_model": resolved.model},
            )
            write_version(space, 1, by, dimensions, decision, None, resolved)
            emit_event(space, "liftos.space.created", decision)
        return space


def delete_space(*, organisation: UUID, by: Actor, space: UUID) -> None:
    """Delete a space with everything in it; the memories stay.

    Raises:
        SpaceNotFound: there is none in this organisation.
    """
    with tenant_transaction(organisation):
        row = get_space(organisation=organisation, space=space, lock=True)
        own = Layout.objects.filter(organisation_id=organisation, space_id=space)
        layouts.lock_for_deletion(organisation=organisation, layouts=list(own.values_list("id", flat=True)))
        decision = record_change(
            row,
            by,
            "space.delete",
            f"Deleted space {row.name!r}; its memories stay.",
            effect=Effect.DELETE,
            risk_class=RiskClass.LIMITED,
            inputs={"name": row.name, "version": row.version},
        )
        emit_event(row, "liftos.space.deleted", decision)
        Space.objects.filter(organisation_id=organisation, id=space).delete()


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
