"""Reviewing in the browser: four clicks to the first verdict, then by keyboard."""

import re

import pytest

from tests.browser.test_admin import picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
QUEUE = "/admin/accountability/reviewcase/"


def decision_of(page):
    return re.search(r"reviewcase/([0-9a-f-]{36})/change", page.url)[1]


def state_of(site, decision):
    return site.service.request("GET", f"/api/v1/decisions/{decision}/reviews")[1]["state"]


def test_four_clicks_lead_to_the_first_verdict(site, page):
    # the first was the sign-in's
    page.get_by_role("link", name="Decisions to review").first.click()
    page.wait_for_url(f"**{QUEUE}")
    assert page.locator("#result_list tbody tr").count() >= 5
    picture(page, "queue")
    page.get_by_text("Review next").first.click()
    page.wait_for_url("**/change/")
    first = decision_of(page)
    picture(page, "review")
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url(lambda url: first not in url)
    assert (
        page.get_by_text("Recorded; awaiting a second reviewer.").or_(page.get_by_text("Approved.")).count()
    )
    assert state_of(site, first) in {"approved", "waiting_second"}


def test_reviewing_by_keyboard(site, page):
    page.goto(f"{site.url}{QUEUE}next/")
    first = decision_of(page)
    page.keyboard.press("n")
    page.wait_for_url(lambda url: first not in url)
    second = decision_of(page)
    before = state_of(site, second)

    # overturning wants a reason: the key leads to its field, and letters typed there are letters
    page.keyboard.press("o")
    page.keyboard.type("an oni")
    assert page.input_value("textarea[name=reason]") == "an oni"
    assert state_of(site, second) == before
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: second not in url)
    assert state_of(site, second) in {"overturned", "waiting_second"}

    third = decision_of(page)
    page.keyboard.press("i")
    page.keyboard.press("Enter")
    assert decision_of(page) == third  # without a reason nothing is sent
    page.keyboard.type("Which week is that?")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: third not in url)
    assert state_of(site, third) == "waiting_information"

    fourth = decision_of(page)
    page.keyboard.press("a")
    page.wait_for_url(lambda url: fourth not in url)
    assert state_of(site, fourth) in {"approved", "waiting_second"}


def test_keys_can_be_switched_off_and_stay_off(site, page):
    page.goto(f"{site.url}{QUEUE}next/")
    first = decision_of(page)
    before = state_of(site, first)
    page.get_by_label("Keys").uncheck()
    page.keyboard.press("a")
    page.reload()
    assert not page.get_by_label("Keys").is_checked()
    page.keyboard.press("a")
    page.keyboard.press("n")
    assert decision_of(page) == first
    assert state_of(site, first) == before
    page.get_by_label("Keys").check()
    page.keyboard.press("n")
    page.wait_for_url(lambda url: first not in url)


def test_overturned_memory_is_contested_and_shown_with_the_decision(site, page):
    _, memory = site.service.request(
        "POST", "/api/v1/memories", {"content": "Boots are bought on Sundays only"}
    )
    _, stored = site.service.request("GET", f"/api/v1/decisions?subject_id={memory['id']}")
    decision = stored["results"][0]["id"]
    page.goto(f"{site.url}/admin/accountability/decisionrecord/{decision}/change/")
    page.get_by_role("button", name="Request review").click()
    page.wait_for_url(f"**{QUEUE}{decision}/change/")
    assert "0 of 1 changed since the decision" in page.inner_text("body")
    page.keyboard.press("o")
    page.keyboard.type("On Saturdays too")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: decision not in url)
    assert site.service.request("GET", f"/api/v1/memories/{memory['id']}")[1]["state"] == "contested"
    page.goto(f"{site.url}{QUEUE}{decision}/change/")
    text = page.inner_text("body")
    assert "1 of 1 changed since the decision" in text
    assert "On Saturdays too" in text
    assert page.get_by_role("button", name="Approve").count() == 0
    picture(page, "overturned")


def test_bulk_review(site, page):
    page.goto(f"{site.url}{QUEUE}?because=sample")
    boxes = page.locator("input.action-select")
    waiting = boxes.count()
    assert waiting >= 2
    chosen = [boxes.nth(number).get_attribute("value") for number in range(2)]
    for number in range(2):
        boxes.nth(number).check()
    page.select_option("select[name=action]", "information_chosen")
    page.fill("input[name=reason]", "What was the forecast?")
    page.get_by_role("button", name="Run").click()
    page.get_by_text("2: Information requested.").wait_for()
    assert {state_of(site, each) for each in chosen} == {"waiting_information"}


def test_the_calibration_is_drawn(site, page):
    page.goto(f"{site.url}/admin/accountability/calibration/")
    page.locator("#result_list tbody a").first.click()
    diagram = page.get_by_role("img", name=re.compile(r"Reliability diagram of \d+ bins"))
    diagram.wait_for()
    assert diagram.locator("circle").count() >= 3
    assert diagram.locator("polyline").count() == 1
    assert diagram.bounding_box()["width"] > 300
    picture(page, "calibration")
