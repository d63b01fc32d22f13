"""A running service with the sample organisation, and a page in headless Chromium, signed in."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

playwright_api = pytest.importorskip("playwright.sync_api", reason="installed by make test-all")

from tests.faults.service import Service

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def running_site(**settings: str) -> Iterator[SimpleNamespace]:
    """Run a service with the sample organisation and some settings."""
    with pytest.MonkeyPatch.context() as environment:
        for name in ("DATABASE_URL", "REDIS_URL"):
            environment.delenv(name, raising=False)
        home = Path(tempfile.mkdtemp(prefix="liftos-browser-"))
        service = Service(home, **settings)
        try:
            credentials = json.loads(service.manage("load_sample"))
            service.key = credentials["api_key"]
            service.start_web()
            yield SimpleNamespace(service=service, url=f"http://127.0.0.1:{service.port}", **credentials)
        finally:
            service.close()
            shutil.rmtree(home)


@pytest.fixture(scope="module")
def site(request) -> Iterator[SimpleNamespace]:
    # which the tests of everything else do without
    with running_site(LIFTOS_TRACE_PERSIST="1") as running:
        yield running


@pytest.fixture
def page(site, tmp_path) -> Iterator[Any]:
    """A signed-in page; fails the test if it logs an error or sends a request to another host."""
    faults: list[str] = []
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        opened = browser.new_page(viewport={"width": 1400, "height": 850})
        opened.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        opened.on("pageerror", lambda error: faults.append(str(error)))
        opened.on(
            "request",
            lambda asked: (
                None if asked.url.startswith((site.url, "data:", "blob:")) else faults.append(asked.url)
            ),
        )
        opened.goto(f"{site.url}/admin/")
        opened.fill("#id_username", site.admin_user)
        opened.fill("#id_password", site.admin_password)
        opened.click("button[type=submit]")
        opened.wait_for_url(f"{site.url}/admin/")
        opened.goto(f"{site.url}/admin/?_organisation={site.org}")
        yield opened
        browser.close()
    assert faults == []
