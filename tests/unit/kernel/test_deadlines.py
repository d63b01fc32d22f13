import pytest

from liftos.kernel import deadlines
from liftos.kernel.deadlines import CallerGone, Deadline, TookTooLong, check_deadline, use_deadline


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(deadlines, "monotonic", lambda: now[0])
    return now


def test_work_may_go_on_until_the_time_is_over(clock):
    with use_deadline(Deadline(5)):
        clock[0] += 5
        assert check_deadline() is None
        clock[0] += 0.1
        with pytest.raises(TookTooLong):
            check_deadline()


def test_work_ends_when_nobody_waits_for_it(clock):
    deadline = Deadline(5)
    with use_deadline(deadline):
        deadline.abandoned = True
        with pytest.raises(CallerGone):
            check_deadline()


def test_outside_of_a_deadline_nothing_ends(clock):
    with use_deadline(Deadline(-1)):
        pass
    assert check_deadline() is None
