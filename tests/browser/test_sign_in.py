"""Signing in to the admin at an OpenID Connect provider, in a browser."""

import json
import shutil

import pytest

from tests.browser.conftest import FLAGS, playwright_api, running_site
from tests.browser.test_admin import picture
from tests.factories.issuer import running_issuer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
SAYS = {"sub": "s-1", "name": "alice", "roles": ["boss"], "groups": ["sales"]}


@pytest.fixture(scope="module")
def issuer():
    with running_issuer() as running:
        yield running


@pytest.fixture(scope="module")
def site(issuer):
    provider = {
        "issuer": issuer.url, "client_id": "admin", "client_secret_env": "T_SECRET", "organisation": "harbour-and-pine",
        "principal_claim": "name", "groups_claim": "groups", "rights_claim": "roles",
        "rights": {"staff": "curator", "boss": "owner"}, "label": "Example Corp",
    }  # fmt: skip
    with running_site(
        LIFTOS_ADMIN_OIDC=json.dumps({"corp": provider}),
        T_SECRET="very secret",
        LIFTOS_OIDC_CREATE_PRINCIPALS="1",
        LIFTOS_OIDC_CREATE_GROUPS="1",
    ) as running:
        assert running.org == provider["organisation"]
        yield running


@pytest.fixture
def page(site):
    """A page of somebody who has not signed in; fails the test if a script fails."""
    faults = []
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        opened = browser.new_page(viewport={"width": 1400, "height": 850})
        opened.on("pageerror", lambda error: faults.append(str(error)))
        yield opened
        browser.close()
    assert faults == []


def test_staff_sign_in_at_their_provider_and_out_again(site, issuer, page):
    issuer.says = dict(SAYS)
    page.goto(f"{site.url}/admin/accountability/decisionrecord/")
    link = page.get_by_role("link", name="Continue with Example Corp")
    assert link.is_visible()
    picture(page, "sign_in")
    link.click()
    # the browser comes back to the page that it asked for, by way of the provider
    page.wait_for_url(f"{site.url}/admin/accountability/decisionrecord/")
    assert "alice@corp" in page.content()
    assert page.locator("#result_list tbody tr").count() > 0
    picture(page, "signed_in")
    # an owner by the claims, seen as the principal of its name
    page.goto(f"{site.url}/admin/tenancy/membership/")
    row = page.locator("#result_list tbody tr", has_text="alice@corp").inner_text()
    assert "owner" in row
    assert "alice" in row.replace("alice@corp", "")
    page.goto(f"{site.url}/admin/tenancy/group/")
    assert "sales" in page.inner_text("#result_list")
    page.evaluate("document.querySelector('form[action$=\"/admin/logout/\"]').submit()")
    page.wait_for_url(f"{site.url}/admin/logout/")
    page.goto(f"{site.url}/admin/")
    assert link.is_visible()


def test_somebody_without_a_role_is_told_so(site, issuer, page):
    issuer.says = SAYS | {"sub": "s-2", "name": "mallory", "roles": ["guest"]}
    page.goto(f"{site.url}/admin/")
    page.get_by_role("link", name="Continue with Example Corp").click()
    page.wait_for_url("**/sign-in/corp/callback?**")
    assert "nothing here is open to you" in page.inner_text("body")
    assert "{" not in page.inner_text("body")
    picture(page, "sign_in_refused")
    page.goto(f"{site.url}/admin/")
    assert page.get_by_role("link", name="Continue with Example Corp").is_visible()
