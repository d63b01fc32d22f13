"""Every kind of admin page with axe-core (WCAG 2.2 A and AA), light and dark, and the main paths by keyboard."""

import pytest

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="installed by make test-all")

from tests.browser.test_admin import picture

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
OPTIONS = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": RULES}}
LISTS = {
    "index": "/admin/",
    "queue": "/admin/accountability/reviewcase/",
    "decisions": "/admin/accountability/decisionrecord/",
    "calibrations": "/admin/accountability/calibration/",
    "rules": "/admin/accountability/reviewpolicy/",
    "memories": "/admin/memory/memory/",
    "erasures": "/admin/memory/erasure/",
    "spaces": "/admin/spaces/space/",
    "runs": "/admin/workflows/run/",
    "steps": "/admin/workflows/step/",
    "templates": "/admin/workflows/template/",
    "organisations": "/admin/tenancy/organisation/",
    "members": "/admin/tenancy/membership/",
    "keys": "/admin/tenancy/apikey/",
    "traces": "/admin/observability/tracerecord/",
    "events": "/admin/events/outboxevent/",
    "users": "/admin/auth/user/",
}
FORMS = {
    "new key": "/admin/tenancy/apikey/add/",
    "new member": "/admin/tenancy/membership/add/",
    "new organisation": "/admin/tenancy/organisation/add/",
    "new template": "/admin/workflows/template/add/",
    "new rule": "/admin/accountability/reviewpolicy/add/",
    "next review": "/admin/accountability/reviewcase/next/",
}
# lists whose first row is opened
OPENED = (
    "decisions",
    "memories",
    "spaces",
    "runs",
    "templates",
    "calibrations",
    "keys",
    "traces",
    "events",
    "users",
)


# colours in the middle of a transition belong to no state of the page; endless animations never finish
_SETTLED = """Promise.allSettled(document.getAnimations()
    .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
    .map((each) => each.finished))"""


def faults(page, where):
    page.evaluate(_SETTLED)
    found = axe.Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{where}: {each['id']} ({each['impact']}) {node['target']} {node['html'][:160]} {node['failureSummary'][:200]}"
        for each in found
        for node in each["nodes"]
    ]


def wear(page, theme):
    """Select the light or dark theme the way the switch stores it."""
    page.evaluate(f"localStorage.setItem('adminTheme', '\"{theme}\"')")
    page.reload()
    assert ("dark" in (page.locator("html").get_attribute("class") or "")) == (theme == "dark")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_kind_of_page_conforms_to_wcag(site, page, theme):
    site.service.request("POST", "/api/v1/search", {"query": "is television still worth the money"})
    wear(page, theme)
    wrong = []
    for name, path in {**LISTS, **FORMS}.items():
        page.goto(site.url + path)
        if name == "index":
            picture(page, f"dashboard-{theme}")
        wrong += faults(page, f"{theme} {name}")
    for name in OPENED:
        page.goto(site.url + LISTS[name])
        first = page.locator("#result_list tbody a").first
        if first.count():
            page.goto(site.url + first.get_attribute("href"))
            wrong += faults(page, f"{theme} one of {name}")
    assert not wrong, "\n".join(wrong)


def test_login_page_conforms_to_wcag(site, page):
    page.context.clear_cookies()
    page.goto(f"{site.url}/admin/login/")
    assert faults(page, "login") == []


def test_form_errors_and_messages_conform_to_wcag(site, page):
    for theme in ("light", "dark"):
        page.goto(f"{site.url}/admin/tenancy/membership/add/")
        wear(page, theme)
        page.fill("#id_username", "nobody")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("No staff account has this user name.").wait_for()
        assert faults(page, f"{theme} refused member") == []
        page.goto(f"{site.url}/admin/tenancy/apikey/add/")
        page.fill("#id_name", f"made in the {theme}")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_text("Copy the key now").wait_for()
        assert faults(page, f"{theme} told of a key") == []


def test_the_menus_open_choose_and_close_by_keyboard(site, page):
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to content")
    assert skip.evaluate("element => element === document.activeElement")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"

    site_menu = page.get_by_role("button", name="LiftOS Core")
    assert site_menu.get_attribute("aria-expanded") == "false"
    site_menu.press("Enter")
    page.wait_for_function("document.activeElement.href?.includes('_organisation=')")
    assert site_menu.get_attribute("aria-expanded") == "true"
    assert faults(page, "open menu of organisations") == []
    page.keyboard.press("Escape")
    assert site_menu.get_attribute("aria-expanded") == "false"
    assert site_menu.evaluate("element => element === document.activeElement")

    user_menu = page.get_by_role("button", name=site.admin_user)
    user_menu.press(" ")
    page.get_by_role("button", name="Dark").press("Enter")
    assert page.get_by_role("button", name="Dark").get_attribute("aria-pressed") == "true"
    assert "dark" in page.locator("html").get_attribute("class")
    assert faults(page, "open menu of the user") == []

    page.goto(f"{site.url}/admin/accountability/reviewcase/")
    filters = page.get_by_role("button", name="Filters")
    filters.press("Enter")
    page.wait_for_function("document.activeElement.closest('#changelist-filter')")
    assert faults(page, "open filters") == []
    page.keyboard.press("Escape")
    assert filters.evaluate("element => element === document.activeElement")
    for theme in ("light", "dark"):
        wear(page, theme)
        page.locator("input.action-select").first.press(" ")
        page.get_by_label("Select action to run").select_option("overturn_chosen")
        page.get_by_label("Reason or assignee").fill("because")
        assert faults(page, f"{theme} what is done with several") == []


def test_a_memory_is_found_opened_and_rejected_by_keyboard(site, page):
    content = "The ferry to the island is paid in shells"
    _, stored = site.service.request("POST", "/api/v1/memories", {"content": content})
    page.goto(f"{site.url}/admin/memory/memory/")
    page.locator("#searchbar").focus()
    page.keyboard.type("what does crossing to the island cost")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=what**")
    link = page.locator("#result_list tbody a").first
    assert content[:30] in link.inner_text()
    link.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{stored['id']}/change/**")
    page.get_by_label("Reason").focus()
    page.keyboard.type("nobody pays in shells")
    button = page.get_by_role("button", name="Reject its value permanently")
    button.focus()
    page.keyboard.press("Enter")
    page.get_by_text("Rejected: later writes of its value are refused.").wait_for()
    status, refused = site.service.request("POST", "/api/v1/memories", {"content": content.upper()})
    assert status == 409, refused
    assert "nobody pays in shells" in page.inner_text("body")
