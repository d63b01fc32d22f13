"""Break-glass: an administrator reads what only a principal, or a group, sees. On record from its opening to each request.

It opens reading only, for one actor and a limited time. Each use is a decision of its own that the whole organisation may read.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q, QuerySet

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.db.viewers import Viewer
from liftos.kernel.errors import InvalidInput, NotFound, PermissionDenied
from liftos.kernel.ids import as_uuid
from liftos.kernel.outbox.operations import emit
from liftos.kernel.ports import decision_recorder
from liftos.kernel.tenancy.models import AccessScope, BreakGlass, Group, PrincipalRecord
from liftos.kernel.tenancy.types import Actor, Principal, Scope

MIN_REASON, MAX_REASON = 10, 2_000
READS = frozenset({Scope.MEMORY_READ, Scope.SPACES_READ, Scope.DECISIONS_READ})
"""All that a request under break-glass may do, whatever its key's scopes."""


class BreakGlassNotFound(NotFound):
    """No break-glass has that id."""

    code = "tenancy.break_glass_not_found"


class NoBreakGlass(PermissionDenied):
    """This break-glass is not yours, has ended, or does not exist."""

    code = "tenancy.no_break_glass"


def most_minutes() -> int:
    """Return the longest time for which a break-glass may be opened."""
    return int(settings.LIFTOS_BREAK_GLASS_MINUTES)


def open_break_glass(
    *, organisation: UUID, by: Actor, whose: PrincipalRecord | Group, reason: str, minutes: int, now: datetime
) -> BreakGlass:
    """Let an actor read what only a principal, or the members of a group, see.

    Args:
        organisation: a tenant.
        by: who will read; an administrator.
        whose: the principal or the group.
        reason: 10 to 2,000 characters, read by everybody who reads decisions.
        minutes: 1 to LIFTOS_BREAK_GLASS_MINUTES.
        now: aware UTC.

    Raises:
        InvalidInput: no reason, or too long a time.
    """
    reason = reason.strip()
    if not MIN_REASON <= len(reason) <= MAX_REASON or "\x00" in reason:
        raise InvalidInput(
            f"The reason must have {MIN_REASON} to {MAX_REASON:,} characters.", loc=("reason",)
        )
    if not 1 <= minutes <= most_minutes():
        raise InvalidInput(f"Minutes must be 1 to {most_minutes()}.", loc=("minutes",))
    principal = whose if isinstance(whose, PrincipalRecord) else None
    group = whose if isinstance(whose, Group) else None
    with tenant_transaction(organisation):
        made = BreakGlass.objects.create(
            organisation_id=organisation, actor_kind=by.kind, actor_id=by.id, principal=principal, group=group,
            reason=reason, opened_at=now, until=now + timedelta(minutes=minutes),
        )  # fmt: skip
        text = f"Opened what only {whose} sees, to be read until {made.until:%Y-%m-%d %H:%M} UTC: {reason}"
        _record(
            made, by, "break_glass.open", "read", text, {"reason": reason, "until": made.until.isoformat()}
        )
        _emit(made, "opened")
    return made


def end_break_glass(*, organisation: UUID, by: Actor, glass: UUID, now: datetime) -> BreakGlass:
    """End a break-glass now; one that has ended stays as it is.

    Raises:
        BreakGlassNotFound: there is none.
    """
    with tenant_transaction(organisation):
        found = (
            BreakGlass.objects.select_for_update(of=("self",))
            .select_related("principal", "group")
            .filter(organisation_id=organisation, id=glass)
            .first()
        )
        if found is None:
            raise BreakGlassNotFound
        if found.ended_at is None and now < found.until:
            found.ended_at = now
            found.save(update_fields=["ended_at"])
            _record(
                found,
                by,
                "break_glass.end",
                "write",
                f"Closed what only {found.principal or found.group} sees.",
                {},
            )
            _emit(found, "ended")
    return found


def break_glass_about(*, organisation: UUID, principal: UUID | None) -> QuerySet[BreakGlass]:
    """Return those that opened what a principal or its groups see, newest first; inside a tenant transaction."""
    groups = Group.objects.filter(organisation_id=organisation, members__principal_id=principal)
    about = Q(principal_id=principal) | Q(group__in=groups) if principal is not None else Q(pk__in=[])
    return BreakGlass.objects.filter(about, organisation_id=organisation)


def in_force(*, organisation: UUID, by: Actor, now: datetime) -> list[BreakGlass]:
    """Return what an actor may read by break-glass now."""
    with tenant_transaction(organisation):
        found = BreakGlass.objects.select_related("principal", "group").filter(
            organisation_id=organisation, actor_kind=by.kind, actor_id=by.id, ended_at=None, until__gt=now
        )
        return list(found)


def read_under(
    *, viewer: Viewer, by: Actor, glasses: list[BreakGlass], page: str, named: Mapping[str, Any]
) -> Viewer:
    """Return a viewer that also sees what break-glass opens, and record the request that does so.

    Args:
        viewer: what the reader sees anyway.
        by: the reader.
        glasses: in force, of one organisation.
        page: the route, without values.
        named: the route's parameters; only ids are recorded, for names may be private.
    """
    organisation = glasses[0].organisation_id
    ids = {name: str(value) for name, value in named.items() if as_uuid(str(value)) is not None}
    scopes = set(viewer.scopes)
    with tenant_transaction(organisation):
        for each in glasses:
            opened = (
                Q(principal_id=each.principal_id)
                if each.group_id is None
                else Q(groups__contains=[each.group_id])
            )
            rows = AccessScope.objects.filter(opened, organisation_id=organisation)
            scopes.update(rows.values_list("id", flat=True))
            text = f"Read {page} under break-glass of what {each.principal or each.group} sees."
            _record(each, by, "break_glass.use", "read", text, {"page": page, "ids": ids})
    return replace(viewer, scopes=tuple(sorted(scopes)))


def reading_under(
    caller: Principal, glass: str, *, page: str, named: Mapping[str, Any], now: datetime
) -> Principal:
    """Return a caller of the API that reads under a break-glass of its own, and may do nothing else.

    Raises:
        NoBreakGlass: it is not the caller's, has ended or does not exist; or the caller is no administrator any more.
    """
    held = in_force(organisation=caller.organisation, by=caller.actor, now=now)
    wanted = [each for each in held if str(each.id) == glass]
    if not wanted or not caller.may(Scope.ADMIN):
        raise NoBreakGlass
    viewer = read_under(viewer=caller.viewer, by=caller.actor, glasses=wanted, page=page, named=named)
    return replace(caller, scopes=caller.scopes & READS, viewer=viewer)


def _record(
    glass: BreakGlass, by: Actor, operation: str, effect: str, reasoning: str, inputs: dict[str, Any]
) -> None:
    kind, whose = ("principal", glass.principal_id) if glass.group_id is None else ("group", glass.group_id)
    decision_recorder()(
        organisation=glass.organisation_id,
        by=by,
        operation=operation,
        effect=effect,
        # reviewed by somebody else, by default
        risk_class="high" if operation == "break_glass.open" else "limited",
        subject=(kind, str(whose)),
        reasoning=reasoning,
        inputs={"break_glass": str(glass.id)} | inputs,
    )


def _emit(glass: BreakGlass, what: str) -> None:
    emit(
        organisation=glass.organisation_id,
        type=f"liftos.break_glass.{what}",
        subject=f"break_glass/{glass.id}",
        data={
            "break_glass_id": str(glass.id),
            "principal_id": glass.principal_id and str(glass.principal_id),
            "group_id": glass.group_id and str(glass.group_id),
            "actor_kind": glass.actor_kind,
            "actor_id": glass.actor_id,
            "until": glass.until.isoformat(),
        },
    )
