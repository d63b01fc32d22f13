"""Pictures of chains and of calibration: what the templates draw and where the modules put it agree."""

from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID
from xml.etree import ElementTree

from accountability.admin.chain_diagram import draw_chain, layout
from accountability.admin.reliability_diagram import draw_reliability
from accountability.calibration.measures import Bin

SVG = "{http://www.w3.org/2000/svg}"


def step(number, distance, *parents, **fields):
    known = {"operation": "memory.store", "effect": "write", "confidence": 0.5, "reasoning": "<b>because</b>"}
    recorded = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    decision = SimpleNamespace(
        id=UUID(int=number),
        parents=[UUID(int=each) for each in parents],
        recorded_at=recorded,
        **(known | fields),
    )
    return SimpleNamespace(distance=distance, decision=decision)


def test_arrows_of_a_chain_begin_and_end_at_boxes():
    steps = [step(1, -1), step(2, 0, 1, operation="o" * 30), step(3, 1, 2, confidence=None)]
    root = ElementTree.fromstring(draw_chain(steps, lambda decision: f"/decision/{decision}/?a=1&b=2"))
    boxes = {each.get("href"): each for each in root.iter(f"{SVG}a")}
    places = layout(steps)
    first, second = places[UUID(int=1)], places[UUID(int=2)]
    rect = boxes[f"/decision/{UUID(int=1)}/?a=1&b=2"].find(f"{SVG}rect")
    right, middle = first[0] + int(rect.get("width")), first[1] + int(rect.get("height")) // 2
    arrow = root.findall(f".//{SVG}svg/{SVG}path")[0].get("d")
    assert arrow.startswith(f"M{right},{middle} ")
    assert arrow.endswith(f" {second[0]},{middle}")
    own = boxes[f"/decision/{UUID(int=2)}/?a=1&b=2"]
    assert own.get("transform") == f"translate({second[0]} {second[1]})"
    assert own.find(f"{SVG}rect").get("stroke-width") == "2"
    assert own.find(f"{SVG}title").text == "write: <b>because</b>"
    assert [each.text for each in own.iter(f"{SVG}text")] == ["o" * 23 + "…", "2026-01-02 03:04:05 · 0.50"]


def test_what_was_stated_and_right_lies_within_the_frame():
    ends = [
        Bin(
            low=low, high=low + 0.5, count=2, confidence=place, right=place, right_low=place, right_high=place
        )
        for low, place in ((0.0, 0.0), (0.5, 1.0))
    ]
    root = ElementTree.fromstring(draw_reliability(ends))
    frame = root.find(f"{SVG}rect")
    left, top = int(frame.get("x")), int(frame.get("y"))
    dots = [(int(each.get("cx")), int(each.get("cy"))) for each in root.iter(f"{SVG}circle")]
    assert dots == [(left, top + int(frame.get("height"))), (left + int(frame.get("width")), top)]
    assert (
        root.find(f".//{SVG}circle/{SVG}title").text == "2 decisions with stated confidence 0.00; 0% approved"
    )
