"""Reads of reviews and of the queue, inside the caller's tenant transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import F, QuerySet
from django.db.models.expressions import Func, Value
from django.db.models.fields import BooleanField

from accountability.models import DecisionRecord
from accountability.models.reviews import ReviewCase
from accountability.types import REVIEW_OPERATION, TO_DO, Review, ReviewState, Verdict
from liftos.kernel.tenancy.types import Actor, ActorKind

MAX_REVIEWS = 200
_POINTS = {each.point: each for each in Verdict}


class Order(StrEnum):
    """Order of the queue: riskiest, least confident or oldest first, or by decision point."""

    RISK = "risk"
    CONFIDENCE = "confidence"
    AGE = "age"
    DECISION_POINT = "decision_point"


# every order ends with the id, which makes it total, and uses only columns that never change
COLUMNS: dict[Order, tuple[str, ...]] = {
    Order.RISK: ("rank", "sureness", "decision_id"),
    Order.CONFIDENCE: ("sureness", "decision_id"),
    Order.AGE: ("decision_id",),
    Order.DECISION_POINT: ("decision_point", "decision_id"),
}


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Filters of the queue.

    Attributes:
        states: only in these; those still to do when left out.
        risk: only of this rank, 1 (high) to 3.
        decision_point: only of this point.
        assigned_to: only of this reviewer; "" for unassigned, None for all.
        confidence_below: only with a lower confidence, 0..1.
    """

    states: tuple[str, ...] = TO_DO
    risk: int | None = None
    decision_point: str = ""
    assigned_to: str | None = None
    confidence_below: float | None = None


class _After(Func):
    """`(a, b) > (x, y)`: the rows after another one in an order, found by its index."""

    output_field = BooleanField()
    conditional = True

    def as_sql(self, compiler: Any, *_: Any, **__: Any) -> Any:
        """Return the row comparison."""
        parts = [compiler.compile(each) for each in self.source_expressions]
        half = len(parts) // 2
        left, right = (", ".join(sql for sql, _ in some) for some in (parts[:half], parts[half:]))
        return f"({left}) > ({right})", [value for _, values in parts for value in values]


def list_queue(
    *,
    organisation: UUID,
    limit: int,
    order: Order = Order.RISK,
    after: UUID | None = None,
    wanted: QueueFilter | None = None,
) -> list[ReviewCase]:
    """Return decisions to review with their records, the most urgent first.

    Args:
        organisation: whose.
        limit: maximum number.
        order: of urgency.
        after: only those after this decision in the order.
        wanted: which.
    """
    rows = _filter(ReviewCase.objects.filter(organisation_id=organisation), wanted or QueueFilter())
    columns = COLUMNS[order]
    if after is not None:
        position = _after(organisation, after, columns)
        if position is None:
            return []
        rows = rows.filter(position)
    # prefetched, not joined: with a join the planner walks all older records in order of id
    return list(rows.prefetch_related("decision__payload").order_by(*columns)[:limit])


def _after(organisation: UUID, decision: UUID, columns: Sequence[str]) -> _After | None:
    """Return the condition of the rows after a decision's in an order, None if it has no review."""
    rows = ReviewCase.objects.filter(organisation_id=organisation, decision_id=decision)
    keys = rows.values_list(*columns).first()
    return None if keys is None else _After(*map(F, columns), *map(Value, keys))


def _filter(rows: QuerySet[ReviewCase], wanted: QueueFilter) -> QuerySet[ReviewCase]:
    rows = rows.filter(state__in=[str(each) for each in wanted.states])
    if set(wanted.states) <= set(TO_DO):
        # repeats the condition of the partial indexes: Postgres does not infer it from a shorter list
        rows = rows.filter(state__in=[each.value for each in TO_DO])
    if wanted.risk is not None:
        rows = rows.filter(rank=wanted.risk)
    if wanted.decision_point:
        rows = rows.filter(decision_point=wanted.decision_point)
    if wanted.assigned_to is not None:
        rows = rows.filter(assigned_to=wanted.assigned_to)
    if wanted.confidence_below is not None:
        rows = rows.filter(sureness__lt=wanted.confidence_below)
    return rows


def get_next(*, organisation: UUID, reviewer: str, after: UUID | None = None) -> UUID | None:
    """Return the decision that a member of staff should review next, by risk; None if there is none.

    Skips their own decisions, those assigned to others, those waiting for information and those they have reviewed.

    Args:
        organisation: whose.
        reviewer: the user name.
        after: the decision just shown; after the last one the search starts over.
    """
    rows = ReviewCase.objects.filter(organisation_id=organisation, state__in=[each.value for each in TO_DO])
    rows = rows.filter(assigned_to__in=["", reviewer])
    rows = rows.exclude(state=ReviewState.WAITING_INFORMATION).exclude(decision__on_behalf_of=reviewer)
    rows = rows.exclude(decision__actor_kind=ActorKind.STAFF, decision__actor_id=reviewer)
    columns = COLUMNS[Order.RISK]
    rows = rows.order_by(*columns)
    if after is not None and (position := _after(organisation, after, columns)) is not None:
        found = _first_unreviewed(rows.filter(position), organisation, reviewer)
        if found is not None:
            return found
    found = _first_unreviewed(rows, organisation, reviewer)
    return None if found == after else found


def _first_unreviewed(rows: QuerySet[ReviewCase], organisation: UUID, reviewer: str) -> UUID | None:
    """Return the first decision that the reviewer has not reviewed in its current round; of the first 50."""
    for case in rows[:50]:
        if case.state != ReviewState.WAITING_SECOND:
            return case.decision_id
        reviews = list_reviews(organisation=organisation, decision=case.decision_id, after=case.settled_by)
        if not any(each.actor.kind is ActorKind.STAFF and each.actor.id == reviewer for each in reviews):
            return case.decision_id
    return None


def list_reviews(
    *, organisation: UUID, decision: UUID, after: UUID | None = None, limit: int = MAX_REVIEWS
) -> list[Review]:
    """Return the reviews of a decision, oldest first.

    Args:
        organisation: whose.
        decision: which.
        after: only reviews later than this one.
        limit: maximum number.
    """
    rows = DecisionRecord.objects.filter(
        organisation_id=organisation,
        subject_kind="decision",
        subject_id=str(decision),
        operation=REVIEW_OPERATION,
    )
    if after is not None:
        rows = rows.filter(id__gt=after)
    return [_as_review(row) for row in rows.select_related("payload").order_by("id")[:limit]]


def list_reviews_of(*, organisation: UUID, decisions: Sequence[UUID]) -> dict[UUID, list[Review]]:
    """Return the reviews of several decisions, by decision, oldest first. One query."""
    rows = DecisionRecord.objects.filter(
        organisation_id=organisation,
        subject_kind="decision",
        subject_id__in=[str(each) for each in decisions],
        operation=REVIEW_OPERATION,
    )
    found: dict[UUID, list[Review]] = {}
    for row in rows.select_related("payload").order_by("id")[:MAX_REVIEWS]:
        found.setdefault(UUID(row.subject_id), []).append(_as_review(row))
    return found


def states_of(*, organisation: UUID, decisions: Sequence[UUID]) -> dict[UUID, ReviewState]:
    """Return the review states of those decisions that were queued."""
    rows = ReviewCase.objects.filter(organisation_id=organisation, decision_id__in=decisions)
    return {decision: ReviewState(state) for decision, state in rows.values_list("decision_id", "state")}


def get_case(*, organisation: UUID, decision: UUID) -> ReviewCase | None:
    """Return a decision's review case, None if it was never queued."""
    return ReviewCase.objects.filter(organisation_id=organisation, decision_id=decision).first()


def count_to_do(*, organisation: UUID, most: int = 1_000) -> int:
    """Return the number of decisions to review, counting at most `most`."""
    rows = ReviewCase.objects.filter(organisation_id=organisation, state__in=[each.value for each in TO_DO])
    return rows.order_by("decision_id")[:most].count()


def count_states(*, organisation: UUID, newest: int) -> dict[ReviewState, int]:
    """Return the number of reviews in each state, among those of the newest queued decisions."""
    rows = ReviewCase.objects.filter(organisation_id=organisation).order_by("-decision_id")[:newest]
    counted = Counter(rows.values_list("state", flat=True))
    return {ReviewState(state): count for state, count in counted.items()}


def _as_review(row: DecisionRecord) -> Review:
    try:
        reason = str(row.payload.values.get("inputs", {}).get("reason", ""))
    except ObjectDoesNotExist:  # erased
        reason = ""
    actor = Actor(ActorKind(row.actor_kind), row.actor_id, row.on_behalf_of)
    return Review(row.id, _POINTS[row.decision_point], reason, actor, row.recorded_at)


def as_states(text: str) -> Sequence[ReviewState] | None:
    """Return a comma-separated list of states, None if one of them is unknown."""
    try:
        return [ReviewState(each.strip()) for each in text.split(",") if each.strip()]
    except ValueError:
        return None
