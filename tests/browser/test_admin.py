"""The admin as its users see it."""

import os
from pathlib import Path

import pytest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def picture(page, name: str) -> None:
    """Save a picture for README and docs where LIFTOS_PICTURES says so."""
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


def test_a_memory_can_be_found_and_opened(site, page):
    page.goto(f"{site.url}/admin/memory/memory/?q=exp-002")
    page.click("#result_list tbody a >> nth=0")
    text = page.inner_text("body")
    assert "Repeating the brand search holdout" in text
    assert "contradicts" in page.content()
    picture(page, "memory")


def test_a_key_is_made_without_a_shell(site, page):
    page.goto(f"{site.url}/admin/tenancy/apikey/add/")
    page.fill("#id_name", "from the browser")
    page.click("button[name=_save]")
    assert "Copy the key now" in page.inner_text("body")


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_documentation_works_offline(site, page, path):
    page.goto(site.url + path)
    page.get_by_text("/api/v1/memories").first.wait_for()
