"""Where a verdict leads: the state machine of a review, and when two actors are one party. Pure."""

from collections.abc import Iterable, Sequence

from accountability.types import Review, ReviewState, Verdict
from liftos.kernel.tenancy.types import Actor, ActorKind


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
