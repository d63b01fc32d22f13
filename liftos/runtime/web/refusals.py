"""Error responses to requests that never reach the application, in the API's format without internal details."""

import json
import logging
from http import HTTPStatus
from uuid import uuid4

logger = logging.getLogger("liftos.http")

_CODES = {
    408: ("liftos.request_timeout", "The request did not arrive in time."),
    413: ("liftos.body_too_large", "The request body is too large."),
    429: ("liftos.too_many_connections", "Too many connections from this address."),
    500: ("liftos.internal", "Internal error."),
    503: ("liftos.too_busy", "Too many requests are waiting; try again."),
}
_UNREADABLE = ("liftos.unreadable_request", "The request is malformed.")

Headers = list[tuple[bytes, bytes]]


def refuse(status: int) -> tuple[Headers, bytes]:
    """Return headers and body of an error response (problem details, RFC 9457), and log it."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        status, phrase = 400, HTTPStatus.BAD_REQUEST.phrase
    code, detail = _CODES.get(status, _UNREADABLE)
    correlation = str(uuid4())
    body = json.dumps(
        {
            "type": "about:blank",
            "title": phrase,
            "status": status,
            "detail": detail,
            "code": code,
            "correlation_id": correlation,
        }
    ).encode()
    logger.info("request refused", extra={"status": status, "code": code, "correlation_id": correlation})
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-correlation-id", correlation.encode()),
        (b"connection", b"close"),
    ]
    if status in {429, 503}:
        headers.append((b"retry-after", b"2"))
    return headers, body


def as_bytes(status: int) -> bytes:
    """Return an error response as raw HTTP/1.1."""
    headers, body = refuse(status)
    lines = b"".join(b"%s: %s\r\n" % header for header in headers)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode() + lines + b"\r\n" + body
