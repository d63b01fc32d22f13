"""Decisions, narrowed by time, actor, effect and more; inside the caller's tenant transaction."""

from datetime import datetime, timedelta
from itertools import product
from typing import TypedDict
from uuid import UUID

from django.db.models import Q, QuerySet

from accountability.models import DecisionRecord
from accountability.ports import decisions_about
from accountability.types import Effect
from liftos.kernel.ids import first_id_at
from liftos.kernel.tenancy.types import ActorKind

_SKEW = timedelta(hours=1)
"""The most by which the time in an id, made just before its record is written, may differ from `recorded_at`."""


class Conditions(TypedDict, total=False):
    """Conditions on decisions; those that are left out, empty or None hold for all.

    Attributes:
        operation: only of this operation.
        correlation_id: only of this request.
        subject_id: only about this subject, including bulk decisions that the finders name for it.
        since: recorded then or later.
        until: recorded then or earlier.
        actor: only by this actor, as `kind:id` or an id, or on behalf of this one.
        effect: only with this effect on stored state.
    """

    operation: str
    correlation_id: str
    subject_id: str
    since: datetime | None
    until: datetime | None
    actor: str
    effect: Effect | None


def newest(
    *, organisation: UUID, limit: int, before: UUID | None, conditions: Conditions
) -> QuerySet[DecisionRecord]:
    """Return the newest matching decisions, at most `limit`, newest first. See `accountability.queries.list_decisions`."""
    rows = _matching(organisation, conditions)
    if before is not None:
        rows = rows.filter(id__lt=before)
    actor = conditions.get("actor")
    if actor:
        # Postgres walks an index in order for each of these alone, not for their disjunction
        effect = conditions.get("effect")
        first, *others = [
            rows.filter(named, effect=each).order_by("-id").values_list("id")[:limit]
            for named, each in product(_ways_to_name(actor), [effect] if effect else Effect)
        ]
        found = [ident for (ident,) in first.union(*others).order_by("-id")[:limit]]
        rows = DecisionRecord.objects.filter(organisation_id=organisation, id__in=found)
    return rows.order_by("-id")[:limit]


def count_decisions(*, organisation: UUID, conditions: Conditions) -> int:
    """Return the number of matching decisions; reads an index entry for each, or their rows under several conditions."""
    return matching(organisation=organisation, conditions=conditions).count()


def matching(*, organisation: UUID, conditions: Conditions) -> QuerySet[DecisionRecord]:
    """Return the matching decisions, without an order."""
    rows = _matching(organisation, conditions)
    actor = conditions.get("actor")
    if actor:
        named = Q()
        for way in _ways_to_name(actor):
            named |= way
        rows = rows.filter(named)
    return rows


def _matching(organisation: UUID, conditions: Conditions) -> QuerySet[DecisionRecord]:
    """Return the decisions under all conditions but the actor's."""
    rows = DecisionRecord.objects.filter(organisation_id=organisation)
    if operation := conditions.get("operation"):
        rows = rows.filter(operation=operation)
    if correlation_id := conditions.get("correlation_id"):
        rows = rows.filter(correlation_id=correlation_id)
    if subject_id := conditions.get("subject_id"):
        about = Q(subject_id=subject_id)
        named = decisions_about(organisation, subject_id)
        rows = rows.filter(about | Q(id__in=named) if named else about)
    # the ids bound the part of the index that is read, the time says exactly which
    if since := conditions.get("since"):
        rows = rows.filter(recorded_at__gte=since, id__gte=first_id_at(since, -_SKEW))
    if until := conditions.get("until"):
        rows = rows.filter(recorded_at__lte=until, id__lt=first_id_at(until, _SKEW))
    if effect := conditions.get("effect"):
        rows = rows.filter(effect=effect)
    return rows


def _ways_to_name(actor: str) -> list[Q]:
    ways = [Q(actor_id=actor), Q(on_behalf_of=actor)]
    kind, colon, ident = actor.partition(":")
    if colon and kind in list(ActorKind):
        ways.append(Q(actor_id=ident, actor_kind=kind))
    return ways
