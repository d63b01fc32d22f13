"""Conversion of units."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.geometry.scales import from_unit, read_field, to_unit
from spaces.types import Dimension, Scale

LINEAR = Dimension("d", range=(-10.0, 30.0))
LOG = Dimension("d", range=(1.0, 1000.0), scale=Scale.LOG)
HOURS = Dimension("d", range=(0.0, 24.0), scale=Scale.CIRCULAR)
LEVELS = Dimension("d", range=(0.0, 2.0), scale=Scale.ORDINAL, levels=("low", "mid", "high"))


@pytest.mark.parametrize("dimension", [LINEAR, LOG, LEVELS])
@given(share=st.floats(0, 1))
def test_units_round_trip(dimension, share):
    assert to_unit(from_unit(np.array([share]), dimension), dimension)[0] == pytest.approx(share, abs=1e-9)


@pytest.mark.parametrize("dimension", [LINEAR, LOG, LEVELS])
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=5).map(sorted))
def test_order_is_kept_and_the_ends_hold(dimension, values):
    units = to_unit(np.array(values), dimension)
    assert (np.diff(units) >= 0).all()
    assert ((units >= 0) & (units <= 1)).all()


@given(st.floats(-1e4, 1e4))
def test_full_circle_changes_nothing(hour):
    first, second = to_unit(np.array([hour, hour + 24]), HOURS)
    assert min(abs(first - second), 1 - abs(first - second)) < 1e-6


@given(st.floats(0, 1000), st.floats(0.1, 1000))
def test_unit_of_measure_does_not_matter(value, factor):
    """Metres and feet give the same position."""
    metres, feet = Dimension("d", range=(0.0, 500.0)), Dimension("d", range=(0.0, 500.0 * factor))
    assert to_unit(np.array([value]), metres)[0] == pytest.approx(
        to_unit(np.array([value * factor]), feet)[0], abs=1e-9
    )


@pytest.mark.parametrize("dimension", [LINEAR, LOG, HOURS, LEVELS])
def test_unknown_stays_unknown(dimension):
    assert np.isnan(to_unit(np.array([np.nan]), dimension))[0]


def test_a_ratio_counts_the_same_anywhere_on_a_logarithmic_scale():
    one, ten, hundred = to_unit(np.array([1.0, 10.0, 100.0]), LOG)
    assert ten - one == pytest.approx(hundred - ten)
    assert to_unit(np.array([0.0, -5.0]), LOG).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("metadata", "path", "expected"),
    [
        ({"a": {"b": {"c": 1}}}, "a.b.c", 1),
        ({"a.b": {"c": 2}}, "a.b.c", 2),
        ({"a": {"b.c": 3}}, "a.b.c", 3),
        ({"a": {"b": None}, "a.b": {"c": 4}}, "a.b.c", 4),
        ({"a": 10**400}, "a", None),
        ({"a": {}}, "a.b", None),
        ({}, "a", None),
    ],
)
def test_a_field_is_found_by_its_path(metadata, path, expected):
    found = read_field(metadata, Dimension("d", field=path, range=(0.0, 10.0)))
    assert np.isnan(found) if expected is None else found == expected
