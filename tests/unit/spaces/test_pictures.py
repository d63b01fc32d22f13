"""Pictures of spaces."""

from xml.etree import ElementTree

import numpy as np
import pytest

from spaces.geometry.metric import Metric, Region
from spaces.reports.diagrams import Area, Point, draw_map, draw_radar

METRIC = Metric.of([1, 1, 1], domains=[0, 1, 1])
NAN = float("nan")
SVG = "{http://www.w3.org/2000/svg}"


def drawn(*regions, points=()):
    return draw_map(
        points=points,
        areas=[Area(f"concept {number}", region) for number, region in enumerate(regions)],
        metric=METRIC,
        across=(0, "price"),
        upwards=(1, "reach"),
    )


def region(*prototype):
    return Region(np.array(prototype), np.ones(len(prototype)), 0.1)


@pytest.mark.parametrize(
    ("prototype", "shape"),
    [((0.5, 0.5, NAN), "<polygon"), ((0.5, NAN, 0.5), "<rect"), ((NAN, 0.5, NAN), "<rect")],
)
def test_a_region_has_the_shape_of_its_metric(prototype, shape):
    picture = drawn(region(*prototype))
    assert picture.count("concept 0") == 2
    assert picture.count(shape) == (3 if shape == "<rect" else 1)  # the frame and its clip are rectangles too


def test_a_region_on_two_dimensions_of_one_domain_is_an_ellipse():
    picture = draw_map(
        points=[],
        areas=[Area("c", region(NAN, 0.5, 0.5))],
        metric=METRIC,
        across=(1, "reach"),
        upwards=(2, "engagement"),
    )
    assert "<ellipse" in picture


def test_concept_on_neither_dimension_is_left_out():
    assert "concept 0" not in drawn(region(NAN, NAN, 0.5))


def test_a_point_leads_to_its_page_and_is_escaped():
    picture = drawn(points=[Point(0.0, 1.0, 0.5, "<script>alert(1)</script>", "/page/?a=1&b=2")])
    assert "<script>" not in picture
    assert 'href="/page/?a=1&amp;b=2"' in picture
    assert 'cx="70.0" cy="16.0"' in picture


def test_radar_shows_dimensions_that_either_has():
    picture = draw_radar(
        names=["price", "reach", "mood"],
        memory=np.array([0.5, 1.0, NAN]),
        concept=np.array([0.1, NAN, NAN]),
        concept_name="c",
        weights=np.ones(3),
    )
    assert "price" in picture
    assert "mood" not in picture
    assert picture.count("<polygon") == 2
    nothing = draw_radar(
        names=["x"], memory=np.array([NAN]), concept=np.array([NAN]), concept_name="c", weights=np.ones(1)
    )
    assert nothing == "No coordinates."


def test_the_ends_of_both_scales_lie_at_the_frame_and_at_the_outer_ring():
    corners = [Point(0.0, 0.0, 1.0, "a", "/a"), Point(1.0, 1.0, 1.0, "b", "/b")]
    root = ElementTree.fromstring(drawn(points=corners))
    frame = root.findall(f".//{SVG}svg/{SVG}rect")[0]
    left, top, width, height = (float(frame.get(name)) for name in ("x", "y", "width", "height"))
    dots = [(float(each.get("cx")), float(each.get("cy"))) for each in root.iter(f"{SVG}circle")]
    assert dots == [(left, top + height), (left + width, top)]

    one = {"names": ["up"], "memory": np.array([1.0]), "concept": np.array([NAN]), "concept_name": "c"}
    radar = ElementTree.fromstring(draw_radar(**one, weights=np.ones(1)))
    *_, ring = radar.find(f"{SVG}g")
    [dot] = [each for each in radar.iter(f"{SVG}circle") if each.get("r") == "4"]
    assert float(dot.get("cx")) == float(ring.get("cx"))
    assert float(dot.get("cy")) == float(ring.get("cy")) - float(ring.get("r"))
