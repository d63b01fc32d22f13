"""A space in the browser."""

import pytest

from tests.browser.test_admin import picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def space(site, page):
    _, answer = site.service.request("GET", "/api/v1/spaces")
    [found] = [each for each in answer["results"] if each["name"] == "Marketing"]
    page.goto(f"{site.url}/admin/spaces/space/{found['id']}/change/")
    return found


def test_a_space_is_a_map_whose_points_open(site, page, space):
    drawing = page.locator("svg[aria-label^='Map of']")
    assert drawing.locator("a circle").count() >= 30
    assert drawing.locator("polygon, ellipse, rect[fill-opacity]").count() >= 1
    first = drawing.locator("a").first
    told = first.locator("title").text_content()
    picture(page, "space")
    first.click()
    page.wait_for_url("**/memory/memory/**")
    assert told[:40] in page.inner_text("body")


def test_other_dimensions_are_a_click_away(page, space):
    page.get_by_role("link", name="reach", exact=True).first.click()
    page.wait_for_url("**x=reach**")
    assert page.locator("svg[aria-label*='reach by']").count() == 1


def test_radar_compares_a_memory_with_a_concept(page, space):
    row = page.get_by_role("row").filter(has_text="quick win").first
    row.get_by_role("link").first.click()
    page.wait_for_url("**concept=**")
    radar = page.get_by_role("img", name="Radar beside quick win")
    assert radar.locator("polygon").count() == 2
    radar.scroll_into_view_if_needed()
    picture(page, "radar")


def test_report_on_the_dimensions(page, space):
    table = page.get_by_role("table", name="Dimensions")
    text = table.inner_text()
    assert "conversion_intent" in text
    assert "sd" in text
    table.scroll_into_view_if_needed()
    picture(page, "dimensions")
