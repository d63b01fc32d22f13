"""/llms.txt: the API in short, for language models."""

import re

import pytest

from liftos.kernel.http.views import NativeView
from liftos.runtime.embedded.paths import REPOSITORY
from tests.architecture.routes import routes


def test_every_native_route_is_introduced(client, db):
    answer = client.get("/llms.txt")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/markdown; charset=utf-8")
    text = answer.content.decode()
    assert text.startswith("# LiftOS Core\n\n> ")
    introduced = dict(re.findall(r"^- `([A-Z]+ /\S+)`: (.+)$", text, re.MULTILINE))
    assert introduced.keys() == set(routes(NativeView))
    assert all(sentence.endswith(".") for sentence in introduced.values())
    # its links lead somewhere
    for link in re.findall(r"\]\((/[^)]+)\)", text):
        assert link == "/mcp" or client.get(link).status_code == 200


def test_it_is_only_read(client, db):
    assert client.head("/llms.txt").status_code == 200
    assert client.post("/llms.txt").status_code == 405


def test_it_leads_to_the_documentation(client, db):
    text = client.get("/llms.txt").content.decode().partition("## Documentation")[2]
    listed = dict(re.findall(r"^- \[([^]]+)\]\(/docs/([a-z-]+\.md)\): .+$", text, re.MULTILINE))
    assert {"HTTP API", "Clients of other products", "Agents' frameworks"} <= listed.keys()
    assert len(listed) == len(list((REPOSITORY / "docs").glob("*.md")))
    answer = client.get("/docs/access.md")
    assert answer["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer.content.decode() == (REPOSITORY / "docs" / "access.md").read_text()
    # links between pages lead to served pages
    assert client.get("/docs/decisions/0035-mcp.md").status_code == 200
    assert client.post("/docs/access.md").status_code == 405


@pytest.mark.parametrize(
    "page",
    ["../manage.py", "..%2fmanage.py", "none.md", "/etc/passwd", "pictures", "access", "decisions/", "%00"],
)
def test_nothing_else_is_served(client, db, page):
    answer = client.get(f"/docs/{page}")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "Not Found"
