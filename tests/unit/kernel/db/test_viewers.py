"""Whose what a viewer does to rows of some scopes is."""

import pytest

from liftos.kernel.db.viewers import (
    EVERYBODY,
    EVERYTHING,
    ORGANISATION_SCOPE,
    SYSTEM_SCOPE,
    Viewer,
    scope_of_act,
    seeing_everything,
    viewing,
)

BOB = Viewer((3, 17, 20), None, 20)


@pytest.mark.parametrize(
    ("viewer", "touched", "scope"),
    [
        (EVERYBODY, [], ORGANISATION_SCOPE),
        (EVERYBODY, [0, 0], ORGANISATION_SCOPE),
        (BOB, [], ORGANISATION_SCOPE),
        (BOB, [0], ORGANISATION_SCOPE),
        # a group's row, too: only bob is sure to see all that he touched
        (BOB, [0, 3], 20),
        (BOB, [3, 17], 20),
        (EVERYTHING, [0], ORGANISATION_SCOPE),
        (EVERYTHING, [0, 3], 3),
        (EVERYTHING, [3, 17], SYSTEM_SCOPE),
    ],
)
def test_scope_of_act(viewer, touched, scope):
    with viewing(viewer):
        assert scope_of_act(touched) == scope


def test_act_while_seeing_everything_is_still_its_actors():
    with viewing(BOB), seeing_everything():
        assert scope_of_act([5, 6]) == 20


def test_system_scope_is_seen_by_system_tasks_alone():
    assert [each.sees(SYSTEM_SCOPE) for each in (EVERYBODY, BOB, EVERYTHING)] == [False, False, True]
