"""The admin as its users see it."""

import os
from pathlib import Path

import pytest

from tests.faults.service import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def picture(page, name: str) -> None:
    """Save a picture for README and docs if LIFTOS_PICTURES is set."""
    if folder := os.environ.get("LIFTOS_PICTURES"):
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_a_search_can_be_read_as_a_decision(site, page):
    _, answer = site.service.request(
        "POST", "/api/v1/search", {"query": "is television still worth the money", "limit": 3}
    )
    site.service.request("GET", f"/api/v1/decisions/{answer['decision_id']}/proof?wait=integrated")
    page.goto(f"{site.url}/admin/accountability/decisionrecord/")
    picture(page, "decisions")
    page.goto(f"{site.url}/admin/accountability/decisionrecord/{answer['decision_id']}/change/")
    text = page.inner_text("body")
    assert "hybrid search by meaning (exact), words (postings)" in text
    assert "is television still worth the money" in text
    assert answer["results"][0]["id"] in text
    assert answer["correlation_id"] in text
    assert "verified: record" in text
    picture(page, "decision")


def test_a_chain_is_a_graph_that_leads_from_decision_to_decision(site, page):
    def put(operation, *parents):
        body = {
            "operation": operation,
            "reasoning": f"{operation}, because it was due",
            "parents": parents,
            "confidence": 0.7,
        }
        status, made = site.service.request("POST", "/api/v1/decisions", body)
        assert status == 201
        return made["id"]

    plan = put("agent.plan")
    asked = [put(f"agent.ask_{name}", plan) for name in ("sales", "weather", "stock")]
    act = put("agent.act", *asked)
    site.service.request("GET", f"/api/v1/decisions/{act}/proof?wait=integrated")
    page.goto(f"{site.url}/admin/accountability/decisionrecord/{plan}/change/")
    graph = page.get_by_role("group", name="Chain of 5 decisions")
    boxes = graph.locator("a rect")
    assert boxes.count() == 5
    placed = [boxes.nth(number).bounding_box() for number in range(5)]
    assert all(box["width"] > 100 for box in placed)
    columns = sorted({round(box["x"]) for box in placed})
    assert len(columns) == 3
    picture(page, "chain")
    graph.locator(f'a[href$="{act}/change/"]').click()
    page.wait_for_url(f"**/{act}/change/")
    assert "agent.act, because it was due" in page.inner_text("body")


def test_decision_shows_its_trace(site, page):
    _, answer = site.service.request(
        "POST", "/api/v1/search", {"query": "which offers were repeated", "limit": 3}
    )
    # traces are stored half a second after they end
    until(lambda: site.service.request("GET", f"/api/v1/traces/{trace_of(site, answer)}")[0] == 200)
    page.goto(f"{site.url}/admin/accountability/decisionrecord/{answer['decision_id']}/change/")
    spans = page.get_by_role("table", name="Spans").get_by_role("row")
    assert spans.count() >= 5
    assert "POST /api/v1/search" in spans.first.inner_text()
    page.get_by_role("table", name="Spans").scroll_into_view_if_needed()
    picture(page, "trace")
    page.get_by_text("score terms").scroll_into_view_if_needed()
    assert answer["results"][0]["id"] in page.inner_text("body")
    picture(page, "receipt")


def trace_of(site, answer):
    return site.service.request("GET", f"/api/v1/decisions/{answer['decision_id']}")[1]["trace_id"]


def test_a_memory_can_be_found_and_opened(site, page):
    page.goto(f"{site.url}/admin/memory/memory/?q=exp-002")
    page.click("#result_list tbody a >> nth=0")
    page.wait_for_url("**/change/**")
    text = page.inner_text("body")
    assert "Repeating the brand search holdout" in text
    assert "contradicts" in page.content()
    picture(page, "memory")


def test_key_is_created_in_the_admin(site, page):
    page.goto(f"{site.url}/admin/tenancy/apikey/add/")
    page.fill("#id_name", "from the browser")
    page.click("button[name=_save]")
    page.get_by_text("Copy the key now").first.wait_for()
    assert "it will not be shown again: liftos_" in page.inner_text("body")


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_documentation_works_offline(site, page, path):
    page.goto(site.url + path)
    page.locator(".opblock").first.wait_for()
    # a long document's operations are drawn where the reader scrolls to
    shown, screen = page.get_by_text("/api/v1/memories").first, page.viewport_size["height"]
    for _ in range(page.evaluate("document.body.scrollHeight") // screen + 1):
        if shown.is_visible():
            break
        page.mouse.wheel(0, screen)
        page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    assert shown.is_visible()


def test_first_page_shows_the_organisations_figures(site, page):
    page.goto(f"{site.url}/admin/")
    figures = page.get_by_label("Figures")
    assert figures.get_by_text("Memories").is_visible()
    assert page.get_by_label("Charts").locator("svg").count() == 4
    picture(page, "dashboard")
    figures.locator("a").nth(1).click()
    page.wait_for_url("**/accountability/reviewcase/**")
