"""`http.request`: a step that calls another service."""

import json
import re
from time import monotonic
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from django.conf import settings
from pydantic import BaseModel, ConfigDict, Field, model_validator

from liftos.kernel.functions import Call, register
from liftos.kernel.http.parsing import InvalidRequest, parse_json
from liftos.kernel.outbound import AllowedHosts, Answer, OutboundRefused, OutboundUnavailable, send
from liftos.kernel.telemetry.tracing.tracer import TRACER
from liftos.kernel.tenancy.types import Scope

MAX_BODY_BYTES = 1_000_000
MAX_TIMEOUT_SECONDS = 300.0
LATER = frozenset({408, 425, 429, *range(500, 600)}) - {501, 505}
"""Response statuses that may succeed on retry."""
KEPT = ("content-type", "etag", "last-modified", "location", "retry-after")
"""Response headers kept in the result; others may hold secrets (Set-Cookie)."""
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OURS = frozenset(
    {
        "accept-encoding", "connection", "content-length", "host", "idempotency-key", "keep-alive", "proxy-authorization",
        "proxy-connection", "te", "traceparent", "trailer", "transfer-encoding", "upgrade", "user-agent",
    }
)  # fmt: skip


class HttpRequest(BaseModel):
    """A request to another service. Its host must be among LIFTOS_HTTP_ALLOWED_HOSTS."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=1, max_length=4_000)
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    headers: dict[
        Annotated[str, Field(min_length=1, max_length=100)], Annotated[str, Field(max_length=8_000)]
    ] = Field(default_factory=dict, max_length=50)
    json_body: Any = Field(default=None, alias="json", description="Sent as application/json.")
    text: str | None = Field(
        default=None, description="Sent unchanged, as text/plain unless the headers set another type."
    )
    timeout_seconds: float = Field(default=30.0, gt=0, le=MAX_TIMEOUT_SECONDS)
    accept_status: list[Annotated[int, Field(ge=200, le=599)]] = Field(
        default_factory=list,
        max_length=50,
        description="Statuses that count as success; by default 200 to 299.",
    )

    @model_validator(mode="after")
    def check(self) -> "HttpRequest":
        """Check that there is at most one body, none with GET and HEAD, and that all headers may be set."""
        if self.json_body is not None and self.text is not None:
            raise ValueError("json and text are mutually exclusive")
        if self.method in ("GET", "HEAD") and (self.json_body is not None or self.text is not None):
            raise ValueError(f"{self.method} takes no body")
        for name, value in self.headers.items():
            if not _NAME.fullmatch(name) or name.lower() in _OURS:
                raise ValueError(f"the header {name!r} can't be set")
            if not value.isascii() or not value.replace("\t", " ").isprintable():
                raise ValueError(f"the header {name!r} must be printable ASCII")
        return self

    def body(self) -> tuple[bytes | None, str]:
        """Return the body and its media type."""
        if self.json_body is not None:
            return json.dumps(self.json_body, ensure_ascii=False).encode(), "application/json"
        return (None, "") if self.text is None else (self.text.encode(), "text/plain; charset=utf-8")


@register("http.request", schema=HttpRequest, scopes=[Scope.WORKFLOWS_RUN], outside=True, secrets=["headers"])
def request(call: Call, arguments: HttpRequest) -> dict[str, Any]:
    """Call another service over HTTP: allowed hosts and public addresses only, no redirects, one attempt (steps retry).

    Args:
        call: its `key` is sent as `Idempotency-Key`, the same on every attempt.
        arguments: what to send.

    Returns:
        `{status, headers, json | text, bytes}`.

    Raises:
        OutboundRefused: not allowed, or a response status that a retry will not change.
        OutboundUnavailable: no response in time, or one that asks to retry later.
    """
    body, kind = arguments.body()
    if body is not None and len(body) > MAX_BODY_BYTES:
        raise OutboundRefused(f"The body is larger than {MAX_BODY_BYTES} bytes.")
    headers = {"Idempotency-Key": call.key}
    if kind and not any(name.lower() == "content-type" for name in arguments.headers):
        headers["Content-Type"] = kind
    if traceparent := TRACER.traceparent():
        headers["Traceparent"] = traceparent
    answer = send(
        arguments.method,
        arguments.url,
        headers=headers | _revealed(call, arguments),
        body=body,
        allowed=AllowedHosts(settings.LIFTOS_HTTP_ALLOWED_HOSTS, settings.LIFTOS_HTTP_PRIVATE_HOSTS),
        deadline=min(call.deadline, monotonic() + arguments.timeout_seconds),
    )
    fine = arguments.accept_status or range(200, 300)
    if answer.status not in fine:
        kind_of = OutboundUnavailable if answer.status in LATER else OutboundRefused
        raise kind_of(f"The other service responded with status {answer.status}.")
    return _result(answer)


def _revealed(call: Call, arguments: HttpRequest) -> dict[str, str]:
    """Return the headers with secrets inserted."""
    if call.secrets is None:
        return arguments.headers
    host = urlsplit(arguments.url).hostname or ""
    return {name: call.secrets.reveal(value, host=host) for name, value in arguments.headers.items()}


def _result(answer: Answer) -> dict[str, Any]:
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise OutboundRefused("The response is compressed, although compression was not accepted.")
    result: dict[str, Any] = {
        "status": answer.status,
        "headers": {name: answer.headers[name] for name in KEPT if name in answer.headers},
        "bytes": len(answer.body),
    }
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if answer.body and (media_type == "application/json" or media_type.endswith("+json")):
        try:
            return result | {"json": parse_json(answer.body)}
        except InvalidRequest as error:
            raise OutboundRefused("The response is declared as JSON but is not valid JSON.") from error
    # Postgres can't store NUL
    return result | {"text": answer.body.decode("utf-8", "replace").replace("\x00", "\ufffd")}
