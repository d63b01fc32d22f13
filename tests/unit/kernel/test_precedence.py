import sys
import threading
import time

import pytest

from liftos.kernel import precedence
from liftos.kernel.deadlines import check_deadline
from liftos.kernel.precedence import Precedence, give_way, giving_way


@pytest.fixture
def requests():
    return Precedence()


def work(seconds):
    """Use the processor for some seconds."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def paused(checkpoint=give_way):
    """Return how long a checkpoint took, seconds."""
    began = time.monotonic()
    checkpoint()
    return time.monotonic() - began


@pytest.fixture
def small(requests):
    """Begin a small request, and end it after so many seconds, in a thread of its own."""
    threads = []

    def begin(seconds):
        begun = threading.Event()

        def serve():
            with requests.small():
                begun.set()
                time.sleep(seconds)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        begun.wait(5)

    yield begin
    for thread in threads:
        thread.join()


def test_costly_work_pauses_until_a_small_request_has_ended(requests, small, monkeypatch):
    monkeypatch.setattr(precedence, "SMALL_SECONDS", 30.0)
    monkeypatch.setattr(precedence, "MOST_PAUSE", 10.0)
    with requests.costly():
        small(0.2)
        assert 0.1 < paused() < 5
        assert not requests.has_small


def test_the_pause_ends_with_the_last_of_several(requests, small, monkeypatch):
    monkeypatch.setattr(precedence, "SMALL_SECONDS", 30.0)
    monkeypatch.setattr(precedence, "MOST_PAUSE", 10.0)
    with requests.costly():
        small(0.05)
        small(0.3)
        assert 0.2 < paused() < 5


def test_a_request_that_takes_long_is_not_small(requests, monkeypatch):
    monkeypatch.setattr(precedence, "SMALL_SECONDS", 0.05)
    monkeypatch.setattr(precedence, "MOST_PAUSE", 10.0)
    with requests.small(), requests.costly():
        assert 0.02 < paused() < 5
        assert paused() < 5


def test_a_small_request_beside_a_long_one_is_waited_for_alone(requests, small, monkeypatch):
    monkeypatch.setattr(precedence, "SMALL_SECONDS", 2.0)
    monkeypatch.setattr(precedence, "MOST_PAUSE", 10.0)
    with requests.small():
        time.sleep(2.0)
        with requests.costly():
            small(0.1)
            assert 0.05 < paused() < 1.5


def test_after_a_pause_that_timed_out_the_next_one_needs_more_work(requests, monkeypatch):
    monkeypatch.setattr(precedence, "SMALL_SECONDS", 30.0)
    monkeypatch.setattr(precedence, "MOST_PAUSE", 0.4)
    monkeypatch.setattr(precedence, "WORK_AFTER_TIMEOUT", 0.02)
    with requests.small(), requests.costly():
        assert 0.4 <= paused() < 5
        assert paused() < 0.3
        work(0.015)
        assert paused() < 0.3
        work(0.055)
        assert 0.15 <= paused() < 5


def test_pauses_are_bounded_by_the_work_between_them(requests, small, monkeypatch):
    monkeypatch.setattr(precedence, "SMALL_SECONDS", 30.0)
    monkeypatch.setattr(precedence, "MOST_PAUSE", 1.0)
    monkeypatch.setattr(precedence, "LEAST_PAUSE", 0.9)
    with requests.costly():
        small(0.3)
        assert 0.2 < paused() < 5
        small(0.3)
        assert paused() < 0.2  # part of the advance is used up
        work(0.1)
        small(0.3)
        assert 0.1 < paused() < 5


def test_only_costly_work_pauses(requests, monkeypatch):
    monkeypatch.setattr(precedence, "SMALL_SECONDS", 30.0)
    monkeypatch.setattr(precedence, "MOST_PAUSE", 2.0)
    with requests.small():
        assert paused() < 1


@pytest.mark.parametrize(
    "checkpoint",
    [give_way, check_deadline, lambda: list(giving_way([1]))],
    ids=["itself", "deadline", "loop"],
)
def test_every_checkpoint_gives_way(requests, monkeypatch, checkpoint):
    monkeypatch.setattr(precedence, "SMALL_SECONDS", 30.0)
    monkeypatch.setattr(precedence, "MOST_PAUSE", 0.05)
    with requests.small(), requests.costly():
        assert paused(checkpoint) >= 0.05


def test_giving_way_keeps_items_and_their_order(requests):
    with requests.costly():
        assert list(giving_way(iter("abc"))) == ["a", "b", "c"]


def test_the_interpreter_switches_sooner_only_while_costly_work_runs(requests):
    usual = sys.getswitchinterval()
    with requests.costly():
        with requests.costly():
            assert sys.getswitchinterval() == pytest.approx(precedence.SWITCH_SECONDS)
        assert sys.getswitchinterval() == pytest.approx(precedence.SWITCH_SECONDS)
    assert sys.getswitchinterval() == pytest.approx(usual)


def test_the_interpreter_switches_as_usual_while_small_requests_follow_one_another(
    requests, small, monkeypatch
):
    monkeypatch.setattr(precedence, "SMALL_SECONDS", 30.0)
    monkeypatch.setattr(precedence, "MOST_PAUSE", 0.1)
    monkeypatch.setattr(precedence, "WORK_AFTER_TIMEOUT", 0.0)
    usual = sys.getswitchinterval()
    with requests.costly():
        with requests.small():
            give_way()
            assert sys.getswitchinterval() == pytest.approx(usual)
        work(0.05)
        small(0.02)
        give_way()
        assert sys.getswitchinterval() == pytest.approx(precedence.SWITCH_SECONDS)


def test_costly_work_that_fails_leaves_nothing_behind(requests, monkeypatch):
    monkeypatch.setattr(precedence, "SMALL_SECONDS", 30.0)
    monkeypatch.setattr(precedence, "MOST_PAUSE", 2.0)
    usual = sys.getswitchinterval()
    with pytest.raises(KeyError), requests.costly():
        raise KeyError
    assert sys.getswitchinterval() == pytest.approx(usual)
    with requests.small():
        assert paused() < 1


def test_many_small_requests_in_other_threads_end_while_costly_work_passes_checkpoints(requests):
    """The dictionary of requests changes all the time under the eyes of the work that looks at it."""
    stop, failed = threading.Event(), []

    def serve():
        try:
            while not stop.is_set():
                with requests.small():
                    time.sleep(0.0002)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=serve) for _ in range(4)]
    for thread in threads:
        thread.start()
    began = time.thread_time()
    with requests.costly():
        while time.thread_time() - began < 0.1:
            give_way()
    stop.set()
    for thread in threads:
        thread.join(5)
    assert not failed
    assert not requests.has_small
