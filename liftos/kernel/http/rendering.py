"""JSON responses, whatever the Accept header, as in the old service."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from liftos.kernel.http.dump import dump_json
from liftos.kernel.http.errors import AnswerTooLarge, handle_exception


class JsonRenderer(BaseRenderer):
    """The only renderer."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """Return the response body: "" for None, an error if it is too large."""
        del accepted_media_type
        body = b"" if data is None else dump_json(data)
        if len(body) > settings.LIFTOS_MAX_ANSWER_BYTES and renderer_context:
            return _too_large(renderer_context)
        return body


def _too_large(context: Mapping[str, Any]) -> bytes:
    response, instead = context["response"], handle_exception(AnswerTooLarge(), dict(context))
    response.status_code = instead.status_code
    response["Content-Type"] = instead.content_type
    return dump_json(instead.data)


class AlwaysJson(BaseContentNegotiation):
    """Ignores the Accept header."""

    def select_parser(self, request: Request, parsers: Any) -> Any:
        """Return None: views parse bodies themselves (liftos.kernel.http.parsing)."""
        del request, parsers

    def select_renderer(self, request: Request, renderers: Any, format_suffix: Any = None) -> Any:
        """Return the first renderer."""
        del request, format_suffix
        return renderers[0], renderers[0].media_type
