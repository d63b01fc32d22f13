"""The web server's own refusals have the API's form."""

import json

import pytest

from liftos.runtime.web.refusals import as_bytes


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "liftos.unreadable_request"), (408, "liftos.request_timeout"), (414, "liftos.unreadable_request"),
     (429, "liftos.too_many_connections"), (500, "liftos.internal"), (503, "liftos.too_busy")],
)  # fmt: skip
def test_a_refusal_is_problem_details(status, code):
    head, body = as_bytes(status).split(b"\r\n\r\n", 1)
    told = json.loads(body)
    assert (told["status"], told["code"]) == (status, code)
    lines = head.decode().split("\r\n")
    assert lines[0].startswith(f"HTTP/1.1 {status} ")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert headers["content-length"] == str(len(body))
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-correlation-id"] == told["correlation_id"]
    assert headers["connection"] == "close"
    assert ("retry-after" in headers) is (status in {429, 503})
