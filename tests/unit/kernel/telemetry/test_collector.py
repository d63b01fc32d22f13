import os
import sys
import threading

import numpy as np
import pytest

from liftos.kernel.telemetry.metrics import collector
from liftos.kernel.telemetry.metrics.collector import FOLDED, Timing
from liftos.kernel.telemetry.metrics.summary import Kind


class MetricsCollector(collector.MetricsCollector):
    """The collector, with a recording method per kind and its counts of raw and of folded points."""

    def counter(self, name, /, value=1, **tags):
        self.series(Kind.COUNTER, name, tags).record(value)

    def gauge(self, name, /, value, **tags):
        self.series(Kind.GAUGE, name, tags).record(value)

    def histogram(self, name, /, value, **tags):
        self.series(Kind.HISTOGRAM, name, tags).record(value)

    def timer(self, name, /, duration_ns=None, **tags):
        series = self.series(Kind.TIMER, name, tags)
        return Timing(series, self._clock_ns) if duration_ns is None else series.record(duration_ns)

    @property
    def raw_points(self):
        return self._raw

    @property
    def folded_points(self):
        return sum(series.count for series in self._series.values() if series.tags == FOLDED)


SIZES = {"max_points": 50_000, "per_series": 1_000}


def test_each_kind_is_recorded_and_read_back():
    ticks = iter([1_000_000, 3_000_000])
    metrics = MetricsCollector("memory", clock_ns=ticks.__next__, wall=lambda: 1735984800.0)
    metrics.counter("memory_search.success")
    metrics.counter("memory_search.success", 2)
    metrics.gauge("queue", 7)
    metrics.gauge("queue", 3)
    metrics.histogram("results", 10)
    metrics.timer("memory_search.duration", 1_000_000)
    with metrics.timer("memory_search.duration") as timing:
        pass
    assert timing.duration_ns == 2_000_000
    assert metrics.summary() == {
        "service_name": "memory",
        "counters": {"memory_search.success": 3},
        "gauges": {"queue": 3},
        "histograms": {"results": {"count": 1, "min": 10, "max": 10, "mean": 10, "p50": 10, "p95": 10, "p99": 10}},
        "timers": {
            "memory_search.duration": {
                "count": 2, "min_ms": 1.0, "max_ms": 2.0, "mean_ms": 1.5,
                "p50_ms": 1.5, "p95_ms": pytest.approx(1.95), "p99_ms": pytest.approx(1.99),
            }
        },
        "total_metrics": 7,
        "last_aggregation": 1735984800.0,
    }  # fmt: skip


def test_an_empty_collector_has_the_contracts_keys():
    summary = MetricsCollector("memory").summary()
    assert list(summary) == [
        "service_name", "counters", "gauges", "histograms", "timers", "total_metrics", "last_aggregation",
    ]  # fmt: skip
    assert summary["total_metrics"] == 0


def test_failing_timed_block_is_timed_and_reraised():
    metrics = MetricsCollector()
    with pytest.raises(KeyError), metrics.timer("work"):
        raise KeyError
    assert metrics.summary()["timers"]["work"]["count"] == 1


@pytest.mark.parametrize("size", [1, 2, 3, 10, 999, 1_000])
def test_quantiles_match_numpy(size):
    values = np.random.default_rng(size).lognormal(size=size)
    metrics = MetricsCollector()
    for value in values:
        metrics.histogram("size", float(value))
    found = metrics.summary()["histograms"]["size"]
    expected = np.quantile(values, [0.5, 0.95, 0.99])
    np.testing.assert_allclose([found["p50"], found["p95"], found["p99"]], expected, rtol=1e-12)
    np.testing.assert_allclose(
        [found["min"], found["max"], found["mean"]], [values.min(), values.max(), values.mean()], rtol=1e-12
    )


def test_quantiles_over_several_tag_sets_are_of_all_their_values():
    values = np.random.default_rng(3).integers(1, 10**9, size=900)
    metrics = MetricsCollector()
    for number, value in enumerate(values):
        metrics.timer("work", int(value), organisation=f"org-{number % 3}")
    found = metrics.summary()["timers"]["work"]
    np.testing.assert_allclose(found["p95_ms"], np.quantile(values / 1e6, 0.95), rtol=1e-12)
    assert found["count"] == 900


def test_the_last_thousand_of_a_series_are_kept_and_the_totals_are_exact():
    metrics = MetricsCollector(**SIZES)
    for value in range(5_000):
        metrics.histogram("size", value)
    [series] = metrics.snapshot()
    assert series.points == tuple(range(4_000, 5_000))
    assert (series.count, series.total, series.minimum, series.maximum) == (
        5_000,
        sum(range(5_000)),
        0,
        4_999,
    )
    assert metrics.raw_points == 1_000


def test_bounds_hold_after_200_000_points():
    metrics = MetricsCollector(**SIZES)
    held = []
    for number in range(200_000):
        metrics.timer("work", number, organisation=f"org-{number % 400}")
        if number in (100_000, 199_999):
            series = list(metrics._series.values())
            held.append(sum(sys.getsizeof(each.points) for each in series))
            assert metrics.raw_points == sum(len(each.points) for each in series) <= 50_000
    assert metrics.raw_points > 49_000
    assert held[1] <= held[0] * 1.05
    assert metrics.summary()["timers"]["work"]["count"] == metrics.summary()["total_metrics"] == 200_000


def test_idlest_series_are_trimmed_to_their_last_point():
    metrics = MetricsCollector(max_points=1_000, per_series=900, max_series=8)
    for value in range(600):
        metrics.histogram("idle", value)
    for value in range(900):
        metrics.histogram("busy", value)
    for value in range(900):
        metrics.histogram("third", value)
    by_name = {series.name: series for series in metrics.snapshot()}
    assert by_name["idle"].points == (599,)
    assert len(by_name["third"].points) == 900
    assert by_name["busy"].points[-1] == 899
    assert metrics.raw_points <= 1_000
    assert metrics.summary()["histograms"]["idle"]["count"] == 600


def test_excess_tag_sets_are_merged_into_their_name():
    metrics = MetricsCollector()
    for number in range(5_000):
        metrics.counter("hits", 1, organisation=f"org-{number}")
    assert len(metrics.snapshot()) <= 2_000
    assert metrics.summary()["counters"] == {"hits": 5_000}
    assert metrics.folded_points == 3_500
    metrics.counter("hits", 1, organisation="org-0")  # one that was there before keeps its own
    assert metrics.summary(where={"organisation": "org-0"})["counters"] == {"hits": 2}
    assert metrics.folded_points == 3_500


def test_excess_names_are_merged_into_other():
    metrics = MetricsCollector()
    for number in range(5_000):
        metrics.counter(f"name-{number}")
        metrics.timer(f"name-{number}", 1, organisation="acme")
    series = metrics.snapshot()
    assert len(series) <= 2_000
    assert sum(each.count for each in series) == 10_000
    assert {each.name for each in series if each.tags == FOLDED and each.kind is Kind.COUNTER} == {"other"}


def test_the_summary_splits_by_a_tag():
    metrics = MetricsCollector()
    metrics.counter("search.success", 2, organisation="acme", function="neural")
    metrics.counter("search.success", 3, organisation="globex", function="neural")
    metrics.counter("search.success", 5, organisation="acme", function="hybrid")
    metrics.counter("starts")
    summary = metrics.summary(split_by="organisation")
    assert summary["counters"] == {"search.success": 10, "starts": 1}
    assert {value: group["counters"] for value, group in summary["groups"].items()} == {
        "": {"starts": 1},
        "acme": {"search.success": 7},
        "globex": {"search.success": 3},
    }
    by_function = metrics.summary(split_by="function", where={"organisation": "acme"})
    assert {value: group["counters"]["search.success"] for value, group in by_function["groups"].items()} == {
        "hybrid": 5,
        "neural": 2,
    }
    assert by_function["total_metrics"] == 2


def test_tags_are_the_same_in_any_order():
    metrics = MetricsCollector()
    metrics.counter("hits", a=1, b=2)
    metrics.counter("hits", b="2", a="1")
    assert [series.count for series in metrics.snapshot()] == [2]


def test_the_latest_gauge_counts_over_tag_sets():
    metrics = MetricsCollector()
    metrics.gauge("depth", 1, queue="a")
    metrics.gauge("depth", 2, queue="b")
    metrics.gauge("depth", 3, queue="a")
    assert metrics.summary()["gauges"] == {"depth": 3}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_non_numeric_value_is_refused(value):
    metrics = MetricsCollector()
    metrics.histogram("size", value)
    metrics.histogram("size", 1.0)
    assert metrics.summary()["histograms"]["size"]["max"] == 1.0
    assert metrics.refused_points == 1


def test_threads_lose_no_point():
    metrics = MetricsCollector()

    def work(number):
        for _ in range(2_000):
            metrics.counter("hits", organisation=f"org-{number % 2}")
            metrics.timer("work", 5)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    summary = metrics.summary()
    assert summary["counters"] == {"hits": 12_000}
    assert summary["timers"]["work"]["count"] == 12_000
    assert metrics.raw_points == 1_000


def test_the_time_of_the_last_aggregation_is_shown():
    metrics = MetricsCollector()
    metrics.mark_aggregated(1735984860.0)
    assert metrics.summary()["last_aggregation"] == 1735984860.0


def test_too_small_limits_are_refused():
    for wrong in ({"max_series": 7}, {"per_series": 0}, {"max_points": 2_000}):
        with pytest.raises(ValueError):
            MetricsCollector(**wrong)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_lock_held_at_a_fork_does_not_stop_the_child():
    metrics = MetricsCollector()
    metrics.counter("hits")
    with metrics._lock:
        child = os.fork()
        if not child:
            metrics.counter("hits")
            os._exit(int(metrics.summary()["counters"]["hits"]))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
