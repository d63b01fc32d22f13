"""Alerts are raised and cleared once, and only with enough events."""

import logging

import pytest

from liftos.runtime.health.alerts import Alert, Threshold


class Counts:
    """Events controlled by the test."""

    def __init__(self):
        self.good = self.total = 0

    def happen(self, good, bad):
        self.good += good
        self.total += good + bad

    def __call__(self):
        return self.good, self.total


@pytest.fixture
def counts():
    return Counts()


@pytest.fixture
def alert(counts):
    return Alert("test", Threshold(below=0.5, well_from=0.6, least=100), counts)


def test_alert_is_raised_and_cleared_once(alert, counts, caplog):
    looks = []
    with caplog.at_level(logging.WARNING, logger="liftos.alerts"):
        # well, bad, bad, in between twice, well, in between
        for good in (90, 20, 20, 55, 55, 60, 55):
            counts.happen(good, 100 - good)
            looks.append(alert.look())
    assert looks == [False, True, True, True, True, False, False]
    assert [record.getMessage() for record in caplog.records] == ["alert raised", "alert cleared"]
    assert [record.share for record in caplog.records] == [0.2, 0.6]


def test_too_few_events_change_nothing(alert, counts):
    for _ in range(9):
        counts.happen(0, 11)
        assert alert.look() is False
    counts.happen(0, 11)
    assert alert.look() is True


def test_bad_minute_is_not_hidden_by_a_good_hour(alert, counts):
    counts.happen(1_000_000, 0)
    assert alert.look() is False
    counts.happen(10, 90)
    assert alert.look() is True


def test_reset_counters_raise_no_alert(alert, counts):
    counts.happen(1_000, 0)
    alert.look()
    counts.good = counts.total = 50
    assert alert.look() is False
    counts.happen(0, 100)
    assert alert.look() is True


def test_threshold_zero_disables_the_alert(counts):
    alert = Alert("never", Threshold(below=0, well_from=0, least=1), counts)
    counts.happen(0, 1_000)
    assert alert.look() is False
