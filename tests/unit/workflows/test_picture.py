"""The layout of a drawn graph."""

from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.admin.diagram import MAX_DRAWN, Node, arrange, draw, in_words
from workflows.types import StepStatus


def node(name, *needs, status=None, **more):
    return Node(name, needs, status, **more)


def layout_of(nodes):
    return arrange(nodes).boxes


def drawn(*nodes):
    text = draw(nodes, label="Run of steps", link=lambda name: f"#step-{name}")
    return ElementTree.fromstring(f"<root>{text}</root>")


SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def graphs(draw):
    size = draw(st.integers(1, 15))
    edges = draw(st.sets(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))))
    return [node(str(n), *(str(b) for a, b in sorted(edges) if a == n and b < n)) for n in range(size)]


@given(graphs())
def test_no_two_boxes_share_a_place_and_every_arrow_points_right(nodes):
    places = layout_of(nodes)
    assert set(places) == {each.name for each in nodes}
    for (x1, y1), (x2, y2) in combinations(places.values(), 2):
        assert abs(x1 - x2) >= 190 or abs(y1 - y2) >= 50
    assert all(places[needed][0] < places[each.name][0] for each in nodes for needed in each.needs)


@given(graphs())
def test_no_arrow_crosses_a_box_and_no_necessary_arrow_is_missing(nodes):
    arranged = arrange(nodes)
    taken = set(arranged.boxes.values())
    free = [bend for _, bends, _ in arranged.arrows for bend in bends]
    assert taken.isdisjoint(free)
    assert len(set(free)) == len(free)
    drawn_from = {
        each.name: {start for start, _, end in arranged.arrows if end == each.name} for each in nodes
    }

    def reached(name):
        return {far for near in drawn_from[name] for far in {near} | reached(near)}

    for each in nodes:
        assert drawn_from[each.name] <= set(each.needs) <= reached(each.name)


def test_redundant_arrow_is_left_out():
    arranged = arrange([node("a"), node("b", "a"), node("c", "a", "b")])
    assert [(start, end) for start, _, end in arranged.arrows] == [("a", "b"), ("b", "c")]


def test_a_chain_is_a_straight_line_and_a_diamond_is_symmetrical():
    chain = layout_of([node("a"), node("b", "a"), node("c", "b")])
    assert len({y for _, y in chain.values()}) == 1
    diamond = layout_of([node("a"), node("b", "a"), node("c", "a"), node("d", "b", "c")])
    assert diamond["b"][0] == diamond["c"][0]
    assert diamond["a"][1] == diamond["d"][1] == (diamond["b"][1] + diamond["c"][1]) / 2


def test_arrows_that_need_not_cross_do_not():
    nodes = [node("a"), node("b"), node("for_b", "b"), node("for_a", "a")]
    places = layout_of(nodes)
    assert (places["a"][1] < places["b"][1]) == (places["for_a"][1] < places["for_b"][1])


def test_each_box_links_to_its_step():
    root = drawn(
        node("find", status=StepStatus.DONE, note="done · 12 ms"),
        node("keep", "find", status=StepStatus.RUNNING, title="keep: memory.store"),
    )
    links = root.findall(f".//{SVG}a")
    assert [each.get("href") for each in links] == ["#step-find", "#step-keep"]
    assert [each.find(f"{SVG}title").text for each in links] == ["find", "keep: memory.store"]
    assert ["".join(each.itertext()) for each in links[0].findall(f"{SVG}text")] == ["find", "done · 12 ms"]
    colours = [each.find(f"{SVG}rect").get("stroke") for each in links]
    assert colours[0] != colours[1]
    assert links[1].find(f"{SVG}rect").get("stroke-dasharray")
    assert len(root.findall(f".//{SVG}svg/{SVG}path")) == 1
    assert "done" in "".join(root.find("p").itertext())
    # the arrow leaves the first box's right side, in the middle, and ends at the second one's left
    (x, y), (to_x, _) = layout_of([node("find"), node("keep", "find")]).values()
    rect = links[0].find(f"{SVG}rect")
    right, middle = x + int(rect.get("width")), y + int(rect.get("height")) // 2
    arrow = root.find(f".//{SVG}svg/{SVG}path").get("d")
    assert arrow.startswith(f"M{right},{middle} ")
    assert arrow.endswith(f" {to_x},{middle}")


def test_user_text_is_escaped():
    text = draw([node("a", note="<script>", title='"><script>')], label='"<x>', link=lambda name: name)
    assert "<script>" not in text
    assert "<x>" not in text


@pytest.mark.parametrize("count", [0, MAX_DRAWN + 1])
def test_undrawable_graph_is_reported(count):
    text = draw([node(str(number)) for number in range(count)], label="x", link=lambda name: name)
    assert "<svg" not in text
    assert "steps" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0034, "3 ms"),
        (1.26, "1.3 s"),
        (59.9, "59.9 s"),
        (61, "1 min 1 s"),
        (7_500, "2 h 5 min"),
    ],
)
def test_durations_in_words(seconds, text):
    assert in_words(seconds) == text
