"""What gunicorn refuses by itself, in the API's form."""

import json

import pytest

from liftos.embedded.worker import refusal


@pytest.mark.parametrize(
    ("line", "status", "detail"),
    [
        (b"HTTP/1.1 414 URI Too Long", 414, "The request can't be read."),
        (b"HTTP/1.1 400 Bad Request", 400, "The request can't be read."),
        (b"HTTP/1.1 500 Internal Server Error", 500, "Something failed on our side."),
        (b"rubbish", 400, "The request can't be read."),
    ],
)
def test_the_status_stays_and_the_text_goes(line, status, detail):
    page = line + b"\r\nContent-Type: text/html\r\n\r\n<h1>Invalid Method 'secret'</h1>"
    head, body = refusal(page).split(b"\r\n\r\n", 1)
    told = json.loads(body)
    assert (told["status"], told["detail"]) == (status, detail)
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert f"Content-Length: {len(body)}".encode() in head
    assert f"X-Correlation-Id: {told['correlation_id']}".encode() in head
    assert b"secret" not in body
