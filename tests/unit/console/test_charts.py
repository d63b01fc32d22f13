"""Charts draw the given figures."""

import re
from xml.etree import ElementTree

import pytest

from liftos.console.dashboard.svg import Line, _nice, draw_bars, draw_lines

SVG = "{http://www.w3.org/2000/svg}"


def parsed(picture):
    return ElementTree.fromstring(str(picture))


def test_bars_are_stacked_and_labelled():
    root = parsed(draw_bars("Ops", ["a", "b"], [Line("x", [10, 0]), Line("<y>", [5, 20])]))
    titles = [each.find(f"{SVG}title").text for each in root.iter(f"{SVG}rect")]
    assert titles == ["a: 10 x", "a: 5 <y>", "b: 20 <y>"]
    first, second, third = root.iter(f"{SVG}rect")
    assert float(second.get("y")) + float(second.get("height")) == pytest.approx(
        float(first.get("y")), abs=0.2
    )
    assert float(third.get("height")) == pytest.approx(4 * float(second.get("height")), rel=0.01)
    assert all(float(each.get("y")) >= 0 for each in (first, second, third))
    axis = float(root.find(f".//{SVG}line").get("y1"))
    assert float(first.get("y")) + float(first.get("height")) == pytest.approx(axis, abs=0.1)


def test_lines_break_at_missing_values():
    root = parsed(draw_lines("ms", list("abcde"), [Line("p50", [1, 2, None, 3, None])], " ms"))
    lines = [each.get("points").split() for each in root.iter(f"{SVG}polyline")]
    assert [len(points) for points in lines] == [2, 2]


def test_table_has_the_same_figures_without_gaps():
    picture = draw_lines(
        "ms", list("abc"), [Line("p50", [1, None, None]), Line("p95", [2.5, None, 3])], " ms"
    )
    rows = [[cell.text for cell in row] for row in parsed(picture).iter("tr")]
    assert rows == [[None, "p50", "p95"], ["a", "1 ms", "2.5 ms"], ["c", "-", "3 ms"]]


def test_lines_differ_by_more_than_colour():
    root = parsed(draw_lines("ms", list("ab"), [Line("p50", [1, 2]), Line("p95", [2, 3])]))
    dashes = [each.get("stroke-dasharray") for each in root.iter(f"{SVG}polyline")]
    assert len(set(dashes)) == 2


def test_empty_chart_is_drawn():
    for picture in (draw_bars("none", [], [Line("x", [])]), draw_lines("none", ["a"], [Line("x", [None])])):
        assert not list(parsed(picture).iter(f"{SVG}rect"))


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (0.3, 0.5), (1, 1), (1.1, 2), (7, 10), (99, 100), (101, 200), (4_100, 5_000)]
)
def test_axis_ends_at_a_round_number(value, top):
    assert _nice(value) == pytest.approx(top)


def test_text_is_escaped():
    assert not re.search("<script", str(draw_bars("<script>", ["<script>"], [Line("<script>", [1])])))
