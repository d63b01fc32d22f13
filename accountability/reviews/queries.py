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
    """What stands first in the queue: the riskiest, the least sure, the oldest, or point by point."""

    RISK = "risk"
    CONFIDENCE = "confidence"
    AGE = "age"
    DECISION_POINT = "decision_point"


# every order ends with the id, so that it is total, and none of its columns ever changes
COLUMNS: dict[Order, tuple[str, ...]] = {
    Order.RISK: ("rank", "sureness", "decision_id"),
    Order.CONFIDENCE: ("sureness", "decision_id"),
    Order.AGE: ("decision_id",),
    Order.DECISION_POINT: ("decision_point", "decision_id"),
}


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Which of the queue is wanted.

    Attributes:
        states: only in these; what is still to do when left out.
        risk: only of this rank, 1 (high) to 3.
        decision_point: only of this point.
        assigned_to: only of this reviewer; "" for nobody's, None for anybody's.
        confidence_below: only less sure ones, 0..1.
    """

    states: tuple[str, ...] = TO_DO
    risk: int | None = None
    decision_point: str = ""
    assigned_to: str | None = None
    confidence_below: float | None = None


class _After(Func):
    """`(a, b) > (x, y)`: rows after another one in an order, found by its index."""

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
    narrowed: Narrowed | None = None,
) -> list[ReviewCase]:
    """Return decisions to review with their records, the most urgent first.

    Args:
        organisation: whose.
        limit: at most so many.
        order: what is urgent.
        after: only those that stand behind this decision in the order.
        narrowed: which are wanted.
    """
    rows = narrow(ReviewCase.objects.filter(organisation_id=organisation), narrowed or Narrowed())
    columns = COLUMNS[order]
    if after is not None:
        # its keys are looked up, so the cursor is an id as in every list
        keys = (
            ReviewCase.objects.filter(organisation_id=organisation, decision_id=after)
            .values_list(*columns)
            .first()
        )
        if keys is None:
            return []
        rows = rows.filter(_After(*map(F, columns), *map(Value, keys)))
    # not joined: to keep the order of ids the planner would walk through all older records
    return list(rows.prefetch_related("decision__payload").order_by(*columns)[:limit])


def narrow(rows: QuerySet[ReviewCase], wanted: Narrowed) -> QuerySet[ReviewCase]:
    """Return those of the rows that are wanted."""
    rows = rows.filter(state__in=[str(each) for each in wanted.states])
    if set(wanted.states) <= set(TO_DO):
        # said in the very words of the partial indexes: a shorter list would not be recognised as part of theirs
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
    """Return the decision that a member of staff should look at next: by risk, nobody else's and not their own.

    Args:
        organisation: whose.
        reviewer: the person's name.
        after: what was just looked at; from the end it goes back to the start.
    """
    rows = ReviewCase.objects.filter(organisation_id=organisation, state__in=[each.value for each in TO_DO])
    rows = rows.filter(assigned_to__in=["", reviewer])
    # what waits for information, or was taken by this person, is somebody else's turn
    rows = rows.exclude(state=ReviewState.WAITING_INFORMATION).exclude(decision__on_behalf_of=reviewer)
    rows = rows.exclude(decision__actor_kind=ActorKind.STAFF, decision__actor_id=reviewer)
    columns = COLUMNS[Order.RISK]
    rows = rows.order_by(*columns)
    if after is not None:
        keys = (
            ReviewCase.objects.filter(organisation_id=organisation, decision_id=after)
            .values_list(*columns)
            .first()
        )
        if keys is not None:
            found = _first_not_spoken(
                rows.filter(_After(*map(F, columns), *map(Value, keys))), organisation, reviewer
            )
            if found is not None:
                return found
    found = _first_not_spoken(rows, organisation, reviewer)
    return None if found == after else found


def _first_not_spoken(rows: QuerySet[ReviewCase], organisation: UUID, reviewer: str) -> UUID | None:
    """Return the first that does not wait for somebody else than the person who has spoken already."""
    for case in rows[:50]:
        if case.state != ReviewState.WAITING_SECOND:
            return case.decision_id
        spoken = list_reviews(organisation=organisation, decision=case.decision_id, after=case.settled_by)
        if not any(each.actor.kind is ActorKind.STAFF and each.actor.id == reviewer for each in spoken):
            return case.decision_id
    return None


def list_reviews(
    *, organisation: UUID, decision: UUID, after: UUID | None = None, limit: int = MAX_REVIEWS
) -> list[Review]:
    """Return what was said of a decision, oldest first, from its records.

    Args:
        organisation: whose.
        decision: of which.
        after: only reviews later than this one.
        limit: at most so many.
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


def get_case(*, organisation: UUID, decision: UUID) -> ReviewCase | None:
    """Return how far a decision's review has come, None where nobody asked for one."""
    return ReviewCase.objects.filter(organisation_id=organisation, decision_id=decision).first()


def count_to_do(*, organisation: UUID, most: int = 1_000) -> int:
    """Return how many decisions are to be reviewed; no more than `most` are counted."""
    rows = ReviewCase.objects.filter(organisation_id=organisation, state__in=[each.value for each in TO_DO])
    return rows.order_by("decision_id")[:most].count()


def count_states(*, organisation: UUID, newest: int) -> dict[ReviewState, int]:
    """Return in which states the reviews of the newest decisions that were to be reviewed are, and how many in each."""
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
    """Return a comma list of states, None if one of them is unknown."""
    try:
        return [ReviewState(each.strip()) for each in text.split(",") if each.strip()]
    except ValueError:
        return None
