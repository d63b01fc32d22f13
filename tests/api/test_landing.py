"""`GET /` for browsers and for programs."""

import re

import pytest

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_browsers_get_a_page_whose_links_work(client, db):
    page = client.get("/", headers={"accept": BROWSER})
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    links = re.findall(r'href="([^"]+)"', page.content.decode())
    assert {"/docs", "/health", "/openapi.json", "/admin/"} <= set(links)
    assert {link: client.get(link, follow=True).status_code for link in links} == dict.fromkeys(links, 200)


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/json", "application/json, text/html", "nonsense", ""]
)
def test_programs_get_json(client, accept):
    answer = client.get("/", headers={"accept": accept} if accept is not None else {})
    assert answer.json()["message"] == "Lift OS Core Memory Service"
    assert "Accept" in answer.headers["vary"]


def test_a_page_runs_no_script_and_quotes_no_host_as_html(client):
    page = client.get("/", headers={"accept": BROWSER, "host": '"><script>alert(1)</script>'})
    assert b"<script" not in page.content
    assert (
        "default-src 'none'"
        in client.get("/", headers={"accept": BROWSER}).headers["content-security-policy"]
    )


def test_other_methods_have_no_page(client):
    assert client.post("/", headers={"accept": BROWSER}).status_code == 405
    assert client.head("/", headers={"accept": BROWSER}).headers["content-type"].startswith("text/html")
