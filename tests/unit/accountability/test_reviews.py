"""Review rules, without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from accountability.reviews.states import is_same_party, state_after
from accountability.types import Review, ReviewState, Verdict
from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.types import SYSTEM, Actor, ActorKind

ANN, BEN = Actor(ActorKind.STAFF, "ann"), Actor(ActorKind.STAFF, "ben")
KEY = Actor(ActorKind.API_KEY, "key-1")
KEY_FOR_ANN = Actor(ActorKind.API_KEY, "key-2", "ann")
A, O, I = Verdict.APPROVE, Verdict.OVERTURN, Verdict.INFORMATION


def said(*words):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        Review(new_id(), verdict, "", actor, start + timedelta(minutes=minute))
        for minute, (actor, verdict) in enumerate(words)
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ANN, ANN, True),
        (ANN, BEN, False),
        (KEY, KEY, True),
        (KEY, Actor(ActorKind.API_KEY, "key-1", "ben"), True),
        (KEY_FOR_ANN, ANN, True),
        (KEY_FOR_ANN, Actor(ActorKind.GATEWAY, "ann", "ann"), True),
        (KEY_FOR_ANN, BEN, False),
        # a key's id is not a person's name
        (Actor(ActorKind.API_KEY, "ann"), ANN, False),
        (SYSTEM, ANN, False),
    ],
)
def test_who_is_the_same_party(one, other, same):
    assert is_same_party(one, other) is is_same_party(other, one) is same


@pytest.mark.parametrize(
    ("verdict", "state"),
    [(A, ReviewState.APPROVED), (O, ReviewState.OVERTURNED), (I, ReviewState.WAITING_INFORMATION)],
)
def test_one_reviewer_settles_a_decision(verdict, state):
    assert state_after([], verdict, ANN, needs_second=False) is state


@pytest.mark.parametrize(
    ("earlier", "by", "verdict", "state"),
    [
        ([], ANN, A, ReviewState.WAITING_SECOND),
        ([], ANN, O, ReviewState.WAITING_SECOND),
        ([], ANN, I, ReviewState.WAITING_INFORMATION),
        ([(ANN, A)], BEN, A, ReviewState.APPROVED),
        ([(ANN, O)], BEN, O, ReviewState.OVERTURNED),
        # one person's second word is no second reviewer's
        ([(ANN, A)], ANN, A, ReviewState.WAITING_SECOND),
        ([(ANN, A)], KEY_FOR_ANN, A, ReviewState.WAITING_SECOND),
        # they differ: somebody has to change their mind, or a third decides
        ([(ANN, A)], BEN, O, ReviewState.WAITING_SECOND),
        ([(ANN, A), (BEN, O)], KEY, O, ReviewState.OVERTURNED),
        ([(ANN, A), (BEN, O)], ANN, O, ReviewState.OVERTURNED),
        # only the last word counts
        ([(ANN, A), (ANN, O)], BEN, A, ReviewState.WAITING_SECOND),
        # a question in between takes nothing back
        ([(ANN, A), (ANN, I)], BEN, A, ReviewState.APPROVED),
    ],
)
def test_two_reviewers_must_agree(earlier, by, verdict, state):
    assert state_after(said(*earlier), verdict, by, needs_second=True) is state
