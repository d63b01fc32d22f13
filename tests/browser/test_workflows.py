"""Workflows in the browser: the sample organisation's runs, and a new template."""

import json
from itertools import pairwise

import pytest

from tests.browser.test_admin import picture
from tests.faults.service import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def boxes_of(page, name):
    graph = page.get_by_role("group", name=name)
    boxes = graph.locator("a rect")
    return graph, [boxes.nth(number).bounding_box() for number in range(boxes.count())]


def open_run(site, page, name):
    page.goto(f"{site.url}/admin/workflows/run/?q={name}")
    page.click("#result_list tbody a >> nth=0")
    page.wait_for_url("**/change/**")


def test_a_run_is_a_graph_with_states_and_durations(site, page):
    open_run(site, page, "weekly_insight_digest")
    page.wait_for_load_state("networkidle")
    graph, boxes = boxes_of(page, "Run of 5 steps, completed")
    assert len(boxes) == 5
    assert all(box["width"] > 100 for box in boxes)
    assert len({round(box["x"]) for box in boxes}) >= 4
    for one, other in pairwise(boxes):
        assert one["x"] + one["width"] <= other["x"] or one["y"] + one["height"] <= other["y"]
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    shown = graph.text_content()
    assert "known_before" in shown
    assert " of " in shown  # items of the map
    assert "\u00a0ms" in shown
    picture(page, "run")
    graph.locator('a[href="#step-digest"]').click()
    line = page.locator("#step-digest")
    assert line.is_visible()
    picture(page, "run-steps")


def test_a_person_approves_what_hygiene_proposes(site, page):
    site.service.start_worker()
    page.goto(f"{site.url}/admin/workflows/step/?needs=approval")
    assert "contest" in page.inner_text("#result_list")
    open_run(site, page, "memory_hygiene")
    picture(page, "run-waiting")
    page.fill('input[name="reason"]', "the later holdout is the better one")
    page.get_by_role("button", name="Approve contest").click()
    page.get_by_text("Step contest approved.").wait_for()

    def done():
        page.reload()
        return page.get_by_role("group", name="Run of 3 steps, completed").count() == 1

    until(done)
    assert "the later holdout is the better one" in page.inner_text("body")
    _, found = site.service.request("GET", "/api/v1/memories?external_id=exp-001")
    assert [each["state"] for each in found["results"]] == ["contested"]


def test_template_form_shows_errors_and_version_differences(site, page):
    page.goto(f"{site.url}/admin/workflows/template/add/")
    payload = {
        "name": "from the browser",
        "steps": [
            {
                "name": "find",
                "function": "memory.search",
                "arguments": {"query": "boots"},
                "depends_on": ["keep"],
            },
            {"name": "keep", "function": "memory.stor", "depends_on": ["find"]},
        ],
    }
    page.fill("#id_payload", json.dumps(payload, indent=2))
    page.click("button[name=_continue]")
    # a click does not wait for the page that it leads to: what is looked for does
    page.get_by_text("It depends on itself").wait_for()
    told = page.inner_text("body")
    assert "step find: depends_on: It depends on itself: find → keep → find." in told
    assert "step keep: function: There is no function 'memory.stor'; the functions are memory.store, " in told
    picture(page, "template-faults")
    del payload["steps"][0]["depends_on"]
    payload["steps"][1] = {
        "name": "keep", "function": "memory.store", "depends_on": ["find"], "arguments": {"content": "{steps.find.result.count} found"},
    }  # fmt: skip
    page.fill("#id_payload", json.dumps(payload, indent=2))
    page.click("button[name=_continue]")
    page.get_by_role("button", name="Publish the draft").click()
    page.get_by_text("Version 1 published.").wait_for()
    payload["steps"][0]["arguments"]["query"] = "wet boots"
    page.fill("#id_payload", json.dumps(payload, indent=2))
    page.click("button[name=_continue]")
    page.get_by_text("1 difference").wait_for()
    versions = page.get_by_role("table", name="Versions").inner_text()
    assert 'step find arguments.query: "boots" → "wet boots"' in versions
    _, boxes = boxes_of(page, "from the browser, 2 steps")
    assert len(boxes) == 2
    picture(page, "template")
