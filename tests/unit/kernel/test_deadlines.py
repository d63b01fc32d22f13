import pytest

from liftos.kernel import deadlines
from liftos.kernel.deadlines import CallerGone, Deadline, TookTooLong, check_deadline, use_deadline


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(deadlines, "monotonic", lambda: now[0])
    return now


def test_work_continues_until_the_deadline(clock):
    with use_deadline(Deadline(5)):
        clock[0] += 5
        assert check_deadline() is None
        clock[0] += 0.1
        with pytest.raises(TookTooLong):
            check_deadline()


def test_work_ends_after_the_deadline(clock):
    deadline = Deadline(5)
    with use_deadline(deadline):
        deadline.abandoned = True
        with pytest.raises(CallerGone):
            check_deadline()


def test_without_a_deadline_work_never_ends(clock):
    with use_deadline(Deadline(-1)):
        pass
    assert check_deadline() is None
