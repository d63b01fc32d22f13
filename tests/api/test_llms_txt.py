"""/llms.txt: the API in short, for language models."""

import re

from liftos.kernel.http.views import NativeView
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
