"""The state machine of a review, and when two actors are the same party. Pure."""

from collections.abc import Sequence

from accountability.types import Review, ReviewState, Verdict
from liftos.kernel.tenancy.types import Actor, ActorKind


def is_same_party(one: Actor, other: Actor) -> bool:
    """Return whether two actors share a credential, a person (signed in, or acted for) or a principal.

    Principals count as far as they are known: see `liftos.kernel.tenancy.parties.with_principals`.
    """
    same = (one.kind, one.id) == (other.kind, other.id)
    return same or bool(_persons(one) & _persons(other))


def _persons(actor: Actor) -> set[str]:
    named = {actor.on_behalf_of, *actor.principals}
    if actor.kind in {ActorKind.STAFF, ActorKind.GATEWAY}:
        named.add(actor.id)
    return named - {""}


def state_after(earlier: Sequence[Review], verdict: Verdict, by: Actor, *, needs_second: bool) -> ReviewState:
    """Return the state that a verdict leads to.

    With two reviewers required, a verdict takes effect once another reviewer's last verdict of this round is the same.

    Args:
        earlier: this round's reviews, oldest first; a round ends when a decision is approved or overturned.
        verdict: given now.
        by: the reviewer.
        needs_second: whether two must agree.
    """
    if verdict is Verdict.INFORMATION:
        return ReviewState.WAITING_INFORMATION
    if needs_second and not any(
        last.verdict is verdict and not is_same_party(last.actor, by) for last in _last_verdicts(earlier)
    ):
        return ReviewState.WAITING_SECOND
    return ReviewState.APPROVED if verdict is Verdict.APPROVE else ReviewState.OVERTURNED


def _last_verdicts(reviews: Sequence[Review]) -> list[Review]:
    """Return the last review of each reviewer, ignoring requests for information."""
    last: list[Review] = []
    for review in reversed(reviews):
        if review.verdict is not Verdict.INFORMATION and not any(
            is_same_party(review.actor, each.actor) for each in last
        ):
            last.append(review)
    return last
