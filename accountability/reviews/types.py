"""What people say of decisions, and how far a review has come. No Django here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from liftos.kernel.tenancy.types import Actor, ActorKind

OPERATION = "decision.review"


class Verdict(StrEnum):
    """What a reviewer says of a decision."""

    APPROVE = "approve"
    OVERTURN = "overturn"
    INFORMATION = "information"

    @property
    def point(self) -> str:
        """The decision point of its record: it outlives the payload, which may be erased."""
        return f"review.{self.value}"


class ReviewState(StrEnum):
    """How far the review of a decision has come."""

    OPEN = "open"
    WAITING_INFORMATION = "waiting_information"
    WAITING_SECOND = "waiting_second"
    APPROVED = "approved"
    OVERTURNED = "overturned"


TO_DO = (ReviewState.OPEN, ReviewState.WAITING_INFORMATION, ReviewState.WAITING_SECOND)
SETTLED = (ReviewState.APPROVED, ReviewState.OVERTURNED)


class Because(StrEnum):
    """Why a decision is reviewed."""

    RISK = "risk"
    CONFIDENCE = "confidence"
    SAMPLE = "sample"
    HAND = "hand"


@dataclass(frozen=True, slots=True)
class Policy:
    """Which decisions of an organisation enter the queue, and which want two reviewers.

    Attributes:
        risk_classes: all decisions of these.
        confidence_below: those with a lower confidence, 0..1, whose effect is among `effects`.
        effects: of those that a low confidence brings in.
        sample_share: of the others that state a confidence, this share, 0..1: an unbiased sample for calibration.
        second_reviewer: risk classes in which a verdict counts once two reviewers agree on it.
    """

    risk_classes: tuple[str, ...] = ("high",)
    confidence_below: float = 0.5
    effects: tuple[str, ...] = ("write", "delete")
    sample_share: float = 0.0
    second_reviewer: tuple[str, ...] = ("high",)


@dataclass(frozen=True, slots=True)
class Review:
    """One review as its record tells; the reason is empty once the payload has been erased."""

    id: UUID
    verdict: Verdict
    reason: str
    actor: Actor
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a review led to.

    Attributes:
        id: the review's own record.
        decision: the decision reviewed.
        verdict: given.
        state: of the review now.
        reversal: what an overturned decision's reverser did, None where it has none or nothing was overturned.
    """

    id: UUID
    decision: UUID
    verdict: Verdict
    state: ReviewState
    reversal: dict[str, Any] | None


def is_same_party(one: Actor, other: Actor) -> bool:
    """Tell whether two actors are one credential, or name one person. A person is who is signed in, or acted for."""
    same = (one.kind, one.id) == (other.kind, other.id)
    return same or bool(_persons(one) & _persons(other))


def _persons(actor: Actor) -> set[str]:
    named = {actor.on_behalf_of}
    if actor.kind in {ActorKind.STAFF, ActorKind.GATEWAY}:
        named.add(actor.id)
    return named - {""}


def state_after(earlier: Sequence[Review], verdict: Verdict, by: Actor, *, needs_second: bool) -> ReviewState:
    """Return the state that a verdict leads to.

    Where two reviewers are wanted, a verdict counts once the last word of another one of this round is the same.

    Args:
        earlier: this round's reviews, oldest first; a round ends when a decision is approved or overturned.
        verdict: given now.
        by: who gives it.
        needs_second: whether two have to agree.
    """
    if verdict is Verdict.INFORMATION:
        return ReviewState.WAITING_INFORMATION
    if needs_second and not any(
        word is verdict and not is_same_party(actor, by) for actor, word in _last_words(earlier)
    ):
        return ReviewState.WAITING_SECOND
    return ReviewState.APPROVED if verdict is Verdict.APPROVE else ReviewState.OVERTURNED


def _last_words(reviews: Sequence[Review]) -> Iterable[tuple[Actor, Verdict]]:
    """Return the last verdict of each reviewer, requests for information apart."""
    spoken: list[Review] = []
    for review in reversed(reviews):
        if review.verdict is not Verdict.INFORMATION and not any(
            is_same_party(review.actor, each.actor) for each in spoken
        ):
            spoken.append(review)
    return [(each.actor, each.verdict) for each in spoken]
